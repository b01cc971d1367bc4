/** Pictures that are no landscapes: lights, flowers, a town, dunes, the moon, a cut stone. */

import {
  between,
  blend,
  type Colour,
  colour,
  cover,
  dim,
  type Ink,
  type Painter,
  shine,
} from "./ink.ts";
import { makeNoise, mix, step } from "./noise.ts";
import { makeRandom, pick, type Random } from "./random.ts";

type Colours = readonly [Colour, ...Colour[]];

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly light: Colour;
  readonly strength: number;
}

/** Lights far out of focus over a dark ground. */
export function bokeh(seed: number, aspect: number, grounds: Colours, lights: Colours): Painter {
  const random = makeRandom(seed);
  const noise = makeNoise(random);
  const discs = Array.from({ length: 90 }, () => randomDisc(random, aspect, lights));
  const low = grounds[1] ?? grounds[0];
  return (x, y, ink) => {
    cover(ink, between(grounds[0], low, y * 0.8 + noise.fractal(x * 1.5, y * 1.5, 3) * 0.3));
    for (const disc of discs) paintDisc(disc, x, y, ink);
  };
}

function randomDisc(random: Random, aspect: number, lights: Colours): Disc {
  return {
    x: random() * aspect,
    y: 0.15 + 0.75 * ((random() + random()) / 2),
    radius: 0.015 + 0.075 * random() ** 2,
    light: pick(random, lights),
    strength: 0.12 + 0.5 * random(),
  };
}

/** Brighter at the rim, as a lens draws them. */
function paintDisc(disc: Disc, x: number, y: number, ink: Ink): void {
  if (Math.abs(x - disc.x) > disc.radius * 1.08) return;
  const distance = Math.hypot(x - disc.x, y - disc.y) / disc.radius;
  if (distance > 1.08) return;
  const rim = 0.65 + 0.35 * step(0.7, 0.97, distance);
  shine(ink, disc.light, disc.strength * rim * (1 - step(0.97, 1.08, distance)));
}

interface Flower {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly turn: number;
  readonly petals: number;
  readonly tint: Colour;
  /** 0 sharp, 1 far out of focus. */
  readonly blur: number;
}

/** Flowers in grass: blurred ones behind, sharp ones in front. */
export function flowers(seed: number, aspect: number, tints: Colours): Painter {
  const random = makeRandom(seed);
  const noise = makeNoise(random);
  const all = Array.from({ length: 46 }, (_, i): Flower => {
    const near = i / 45;
    return {
      x: random() * aspect,
      y: mix(0.28, 0.86, near) + (random() - 0.5) * 0.22,
      size: mix(0.03, 0.135, near ** 2) * (0.7 + random() * 0.6),
      turn: random() * 6,
      petals: 5 + Math.floor(random() * 4),
      tint: pick(random, tints),
      blur: Math.abs(near - 0.86) * 0.9,
    };
  });
  const [dark, light, far] = [colour(0x1d3a14), colour(0x7fa83c), colour(0xa9c9a0)];
  return (x, y, ink) => {
    const blade = noise.fractal(x * 34 + noise.at(x * 3, y * 3) * 3, y * 3.5, 4);
    const soft = noise.fractal(x * 3, y * 2.4, 3);
    cover(
      ink,
      between(far, between(dark, light, mix(soft, blade, step(0.25, 0.9, y))), step(0, 0.55, y)),
    );
    for (const flower of all) paintFlower(flower, x, y, ink);
  };
}

function paintFlower(flower: Flower, x: number, y: number, ink: Ink): void {
  const dx = (x - flower.x) / flower.size;
  if (Math.abs(dx) > 1.3) return;
  const dy = (y - flower.y) / (flower.size * 0.82);
  const distance = Math.hypot(dx, dy);
  if (distance > 1.3) return;
  const angle = Math.atan2(dy, dx) + flower.turn;
  const petal = Math.abs(Math.cos((angle * flower.petals) / 2));
  const edge = 0.5 + 0.5 * petal ** 0.6;
  const softness = 0.03 + flower.blur * 0.3;
  const inside = 1 - step(edge - softness, edge + softness, distance);
  if (inside <= 0) return;
  const vein = 0.8 + 0.2 * petal - 0.14 * Math.abs(Math.sin(angle * flower.petals * 3)) * distance;
  const shade: Colour = between(flower.tint, [1, 1, 1], distance * 0.3);
  blend(ink, [shade[0] * vein, shade[1] * vein, shade[2] * vein], inside);
  blend(ink, colour(0xd99a1c), 1 - step(0.16 - softness * 0.4, 0.26 + softness * 0.4, distance));
}

/** Houses with lit windows under an evening sky, three rows of them. */
export function town(seed: number): Painter {
  const random = makeRandom(seed);
  const noise = makeNoise(random);
  const [top, low] = [colour(0x1b2a52), colour(0xe9956a)];
  const rows = [0.42, 0.56, 0.74];
  return (x, y, ink) => {
    cover(ink, between(top, low, Math.min(1, y / 0.62) ** 1.5));
    blend(ink, colour(0xf3b48a), 0.55 * step(0.52, 0.8, noise.fractal(x * 1.8, y * 9, 5)));
    rows.forEach((skyline, row) => {
      const width = mix(0.05, 0.11, row / 2);
      const house = Math.floor(x / width + row * 0.37);
      const roof = skyline - 0.24 * noise.at(house * 3.71 + 0.5, row * 13.3 + 0.5) + 0.1;
      if (y < roof) return;
      const wall = between(colour(0x6d6480), colour(0x14151f), row / 2);
      cover(ink, wall);
      dim(ink, 0.8 + 0.3 * noise.at(house * 1.9, row) + 0.12 * noise.fractal(x * 40, y * 40, 3));
      paintWindow({ x, y: y - roof, width, house, row }, noise.at, ink);
      blend(ink, low, (1 - row / 2) * 0.3 * step(0, 0.4, y - roof));
    });
  };
}

interface WallPoint {
  readonly x: number;
  /** Below the roof. */
  readonly y: number;
  readonly width: number;
  readonly house: number;
  readonly row: number;
}

function paintWindow(point: WallPoint, at: (x: number, y: number) => number, ink: Ink): void {
  const across = (point.x / point.width) * 6;
  const down = (point.y / point.width) * 6;
  const inside = within(across % 1, 0.25, 0.75) && within(down % 1, 0.2, 0.8) && point.y > 0.012;
  if (!inside) return;
  const lit = at(Math.floor(across) * 5.17 + 0.5, Math.floor(down) * 3.39 + point.house * 2.1);
  if (lit < 0.52) dim(ink, 0.75);
  else blend(ink, between(colour(0xffb14a), colour(0xfff0c8), lit), mix(0.45, 0.95, point.row / 2));
}

function within(value: number, from: number, to: number): boolean {
  return value > from && value < to;
}

/** Sand in low light: one side of each crest bright, the other dark, ripples over both. */
export function dunes(seed: number): Painter {
  const noise = makeNoise(makeRandom(seed));
  const [top, low] = [colour(0x3f77b5), colour(0xf0d9b4)];
  const [bright, dark] = [colour(0xe9b872), colour(0x6b3418)];
  const crest = (x: number, row: number): number =>
    0.42 + row * 0.13 - 0.3 * noise.fractal(x * (1.5 - row * 0.12) + row * 9.7, row * 4.1, 2);
  return (x, y, ink) => {
    for (let row = 4; row >= 0; row--) {
      const edge = crest(x, row);
      if (y < edge) continue;
      const below = y - edge;
      const fold = noise.fractal(x * 1.6 + row * 3, below * 7 - x * 1.2, 3);
      const light = step(0.4, 0.6, fold + (crest(x + 0.02, row) - edge) * 7);
      const ripple = Math.sin(
        (below * 150 + x * 22 + noise.fractal(x * 4, y * 9, 3) * 26) * mix(1.2, 0.6, row / 4),
      );
      cover(ink, between(bright, dark, light));
      dim(
        ink,
        1 + ripple * 0.07 * (0.4 + row * 0.2) + (noise.fractal(x * 60, y * 90, 2) - 0.5) * 0.16,
      );
      blend(ink, low, (1 - row / 4) * 0.45);
      return;
    }
    cover(ink, between(top, low, (y / 0.36) ** 1.3));
  };
}

/** The moon on nothing: what is around it is transparent. */
export function moon(seed: number): Painter {
  const random = makeRandom(seed);
  const noise = makeNoise(random);
  const craters = Array.from({ length: 70 }, () => {
    const [angle, away] = [random() * 2 * Math.PI, Math.sqrt(random()) * 0.44];
    return {
      x: 0.5 + Math.cos(angle) * away,
      y: 0.5 + Math.sin(angle) * away,
      radius: 0.006 + 0.05 * random() ** 3,
    };
  });
  return (x, y, ink) => {
    const distance = Math.hypot(x - 0.5, y - 0.5) / 0.46;
    ink.alpha = 1 - step(0.992, 1.004, distance);
    const plains = step(0.45, 0.62, noise.fractal(x * 4, y * 4, 4));
    cover(ink, between(colour(0xe3dccd), colour(0x8f8a86), plains));
    dim(ink, 0.8 + 0.36 * noise.fractal(x * 22, y * 22, 5));
    for (const crater of craters) {
      if (Math.abs(x - crater.x) > crater.radius * 1.5) continue;
      const rim = Math.hypot(x - crater.x, y - crater.y) / crater.radius;
      if (rim > 1.5) continue;
      const towardsLight = (x - crater.x - (y - crater.y)) / crater.radius;
      dim(ink, 1 + 0.3 * towardsLight * Math.exp(-((rim - 0.9) ** 2) * 14));
      dim(ink, 1 - 0.12 * (1 - step(0.7, 1, rim)));
    }
    dim(ink, Math.sqrt(Math.max(0, 1 - distance * distance)) * 0.75 + 0.3);
  };
}

/** A cut and polished stone: bands that follow a shape bent by noise. */
export function agate(seed: number, bands: Colours): Painter {
  const noise = makeNoise(makeRandom(seed));
  return (x, y, ink) => {
    const bentX = x + noise.fractal(x * 1.8, y * 1.8, 4) * 0.9;
    const bentY = y + noise.fractal(x * 1.8 + 30, y * 1.8 + 70, 4) * 0.9;
    const depth =
      noise.fractal(bentX * 1.3, bentY * 1.3, 5) * 16 + Math.hypot(x - 0.6, y - 0.4) * 3;
    const which = Math.floor(depth) % bands.length;
    const next = (which + 1) % bands.length;
    cover(
      ink,
      between(bands[which] ?? bands[0], bands[next] ?? bands[0], step(0.55, 1, depth % 1)),
    );
    dim(
      ink,
      0.86 + 0.2 * Math.abs(Math.sin(depth * 21)) + 0.18 * (noise.fractal(x * 50, y * 50, 3) - 0.5),
    );
    shine(ink, [1, 1, 1], 0.5 * noise.ridged(bentX * 2.2 + 9, bentY * 2.2, 5) ** 6);
  };
}
