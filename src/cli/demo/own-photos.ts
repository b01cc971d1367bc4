/** The pictures the demo draws when it is given none: what each shows, how it is stored. */

import { colour, type Painter } from "./ink.ts";
import { landscape } from "./landscape.ts";
import { agate, bokeh, dunes, flowers, moon, town } from "./subjects.ts";

export interface OwnPhoto {
  readonly name: string;
  readonly ext: "jpg" | "png" | "webp" | "gif";
  /** Pixels of the picture upright. */
  readonly width: number;
  readonly height: number;
  readonly painter: Painter;
  readonly alpha?: boolean;
  /**
   * Stored lying on its side, with the note that turns it upright (EXIF orientation 6), as phones
   * do.
   */
  readonly onItsSide?: boolean;
  /** More than one: an animation. */
  readonly frames?: number;
}

/**
 * Goes up whenever a picture would come out different: kept drawings of another version are not
 * used.
 */
export const DRAWING_VERSION = 1;

const alps = landscape(11, {
  top: colour(0x2f6db3),
  horizon: colour(0xd9e6ee),
  clouds: 0.42,
  cloud: colour(0xffffff),
  sun: { x: 1.05, y: 0.1, radius: 0.018, light: colour(0xfff1cf) },
  ranges: 5,
  from: 0.5,
  to: 0.66,
  height: 0.34,
  far: colour(0x8fa9c2),
  near: colour(0x2f4a31),
  water: { y: 0.66, tint: colour(0x1f4a5a) },
});

const sunset = landscape(23, {
  top: colour(0x3b3f77),
  horizon: colour(0xf7a65c),
  clouds: 0.55,
  cloud: colour(0xf5905f),
  sun: { x: 0.9, y: 0.475, radius: 0.035, light: colour(0xffb45e) },
  ranges: 1,
  from: 0.56,
  to: 0.56,
  height: 0.05,
  far: colour(0x5a4460),
  near: colour(0x3b2c45),
  water: { y: 0.55, tint: colour(0x2b2a4c) },
});

const night = landscape(37, {
  top: colour(0x060b1c),
  horizon: colour(0x25406b),
  clouds: 0,
  cloud: colour(0x000000),
  stars: 130,
  ranges: 3,
  from: 0.84,
  to: 0.98,
  height: 0.22,
  trees: true,
  far: colour(0x16243f),
  near: colour(0x04070d),
});

const forest = landscape(41, {
  top: colour(0xb9c7c9),
  horizon: colour(0xe8ece6),
  clouds: 0.3,
  cloud: colour(0xf5f7f5),
  ranges: 7,
  from: 0.34,
  to: 0.96,
  height: 0.16,
  trees: true,
  far: colour(0xa7bab6),
  near: colour(0x12251c),
});

const clouds = landscape(59, {
  top: colour(0x1f5fae),
  horizon: colour(0xbcd8ee),
  clouds: 0.68,
  cloud: colour(0xffffff),
  sun: { x: 0.3, y: 0.22, radius: 0.02, light: colour(0xfff6da) },
  ranges: 2,
  from: 0.93,
  to: 1,
  height: 0.1,
  far: colour(0x7f9a78),
  near: colour(0x40603a),
});

const tide = landscape(67, {
  top: colour(0x274a7c),
  horizon: colour(0xf4c9a0),
  clouds: 0.45,
  cloud: colour(0xf0b79a),
  sun: { x: 0.5, y: 0.36, radius: 0.03, light: colour(0xffd08a) },
  ranges: 2,
  from: 0.46,
  to: 0.5,
  height: 0.12,
  far: colour(0x6d6c8c),
  near: colour(0x3d3a55),
  water: { y: 0.47, tint: colour(0x22405c) },
});

const NIGHT_LIGHTS = [0xffb347, 0xff6f3c, 0xffe29a, 0x6fb7ff, 0xff4d6d] as const;
const PETALS = [0xd8425b, 0xf2f0ea, 0xe6b93a, 0xb05bb8, 0xf08a9c] as const;
const STONE = [0x3a1f2b, 0x9a4a3c, 0xe0b48a, 0xf4e9dc, 0x7a8fa0, 0x2e4057] as const;

/** A dozen, most of them between 4 and 12 megapixels. Names are web ids. */
export const OWN_PHOTOS: readonly OwnPhoto[] = [
  { name: "alps", ext: "jpg", width: 4000, height: 3000, painter: alps },
  { name: "sunset", ext: "jpg", width: 4000, height: 2667, painter: sunset },
  { name: "forest", ext: "jpg", width: 2448, height: 3264, painter: forest, onItsSide: true },
  { name: "dunes", ext: "jpg", width: 3888, height: 2592, painter: dunes(71) },
  { name: "town", ext: "webp", width: 3200, height: 1800, painter: town(73) },
  { name: "night", ext: "jpg", width: 3600, height: 2400, painter: night },
  {
    name: "lights",
    ext: "jpg",
    width: 3264,
    height: 2448,
    painter: bokeh(
      79,
      3264 / 2448,
      [colour(0x0b1026), colour(0x2a1420)],
      [colour(NIGHT_LIGHTS[0]), ...NIGHT_LIGHTS.slice(1).map(colour)],
    ),
  },
  {
    name: "flowers",
    ext: "png",
    width: 2400,
    height: 1700,
    painter: flowers(83, 2400 / 1700, [colour(PETALS[0]), ...PETALS.slice(1).map(colour)]),
  },
  { name: "moon", ext: "png", width: 2048, height: 2048, painter: moon(89), alpha: true },
  {
    name: "agate",
    ext: "jpg",
    width: 2400,
    height: 2400,
    painter: agate(97, [colour(STONE[0]), ...STONE.slice(1).map(colour)]),
  },
  { name: "clouds", ext: "webp", width: 2600, height: 1950, painter: clouds },
  { name: "tide", ext: "gif", width: 420, height: 280, painter: tide, frames: 10 },
];
