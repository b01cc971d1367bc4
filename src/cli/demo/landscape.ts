/** Landscapes: a sky, a sun, ranges of hills one before the other, water that mirrors them. */

import { between, blend, type Colour, cover, dim, type Ink, type Painter, shine } from "./ink.ts";
import { makeNoise, mix, type Noise, step } from "./noise.ts";
import { makeRandom } from "./random.ts";

export interface Landscape {
  readonly top: Colour;
  readonly horizon: Colour;
  /** From 0 (none) to 1 (overcast). */
  readonly clouds: number;
  readonly cloud: Colour;
  readonly sun?: {
    readonly x: number;
    readonly y: number;
    readonly radius: number;
    readonly light: Colour;
  };
  /** How many stars a unit of area; a band of them is denser. */
  readonly stars?: number;
  readonly ranges: number;
  /** Where the farthest and the nearest range stand, from the top, and how high they rise. */
  readonly from: number;
  readonly to: number;
  readonly height: number;
  /** Trees stand on the ranges. */
  readonly trees?: boolean;
  readonly far: Colour;
  readonly near: Colour;
  /** Where water begins, and its colour. */
  readonly water?: { readonly y: number; readonly tint: Colour };
}

/** Octaves of a ridge: enough for crags at the size the painting is made in. */
const RIDGE_OCTAVES = 6;

export function landscape(seed: number, scene: Landscape): Painter {
  const noise = makeNoise(makeRandom(seed));
  const { water } = scene;
  return (x, y, ink, phase) => {
    if (water === undefined || y <= water.y) paintLand(noise, scene, x, y, ink);
    else paintWater(noise, { ...scene, water }, x, y, ink, phase);
  };
}

function paintLand(noise: Noise, scene: Landscape, x: number, y: number, ink: Ink): void {
  for (let i = scene.ranges - 1; i >= 0; i--) {
    const nearness = scene.ranges === 1 ? 1 : i / (scene.ranges - 1);
    const crest = crestOf(noise, scene, x, nearness);
    if (y < crest) continue;
    const body = between(scene.far, scene.near, nearness ** 1.2);
    const rock = noise.fractal(x * 24 + i * 7, y * 34, 4);
    const slope = noise.ridged(x * 5 + i * 3, y * 8 + x, 4);
    cover(ink, body);
    dim(ink, mix(0.72, 1.32, rock * 0.55 + slope * 0.45));
    // mist lies in the valleys, and more of it far away
    blend(ink, scene.horizon, step(0, 0.22, y - crest) * mix(0.75, 0.12, nearness));
    return;
  }
  paintSky(noise, scene, x, y, ink);
}

function crestOf(noise: Noise, scene: Landscape, x: number, nearness: number): number {
  const base = mix(scene.from, scene.to, nearness);
  const frequency = mix(1.6, 2.6, nearness);
  const offset = nearness * 53.7;
  const crag = noise.ridged(x * frequency + offset, offset, RIDGE_OCTAVES);
  const trees = scene.trees === true ? treeAt(noise, x, nearness) : 0;
  return base - scene.height * mix(1, 0.8, nearness) * crag - trees;
}

/** Tops of firs: triangles of uneven height side by side. */
function treeAt(noise: Noise, x: number, nearness: number): number {
  const width = mix(0.008, 0.034, nearness);
  const which = Math.floor(x / width);
  const within = Math.abs(((x / width) % 1) - 0.5) * 2;
  const tall = width * mix(1.2, 4.2, noise.at(which * 0.73 + 11, nearness * 91 + 3));
  const branches = 0.88 + 0.12 * noise.at(x * 900, nearness * 40);
  return tall * (1 - within) * branches;
}

function paintSky(noise: Noise, scene: Landscape, x: number, y: number, ink: Ink): void {
  const height = Math.min(1, y / Math.max(scene.from, 0.01));
  cover(ink, between(scene.top, scene.horizon, height ** 1.4));
  if (scene.stars !== undefined) paintStars(noise, scene.stars, x, y, ink);
  if (scene.sun !== undefined) paintSun(scene.sun, x, y, ink);
  if (scene.clouds > 0) paintClouds(noise, scene, x, y, ink);
}

function paintSun(sun: NonNullable<Landscape["sun"]>, x: number, y: number, ink: Ink): void {
  const distance = Math.hypot(x - sun.x, y - sun.y);
  shine(ink, sun.light, 0.9 * Math.exp(-distance * 9) + 0.35 * Math.exp(-distance * 2.6));
  shine(ink, [1, 1, 0.92], 1 - step(sun.radius * 0.9, sun.radius * 1.1, distance));
}

/** Clouds are longer than high, and flatter towards the horizon. */
function paintClouds(noise: Noise, scene: Landscape, x: number, y: number, ink: Ink): void {
  const flat = mix(5, 14, Math.min(1, y / Math.max(scene.from, 0.01)));
  const warp = noise.fractal(x * 2 + 40, y * 3, 3) * 0.7;
  const mass = noise.fractal(x * 2.4 + warp, y * flat + warp, 6);
  const thick = step(0.78 - scene.clouds * 0.55, 0.98 - scene.clouds * 0.45, mass);
  const lit = noise.fractal(x * 2.4 + warp + 0.03, y * flat + warp - 0.12, 4);
  const shadow = between(scene.cloud, scene.top, 0.55);
  const shaded = between(scene.cloud, shadow, step(0.45, 0.85, lit));
  blend(ink, shaded, thick * 0.9);
}

function paintStars(noise: Noise, perUnit: number, x: number, y: number, ink: Ink): void {
  const band = Math.exp(-(((x - y * 1.1 - 0.25) * 3.2) ** 2));
  const dust = noise.fractal(x * 5 + y, y * 5, 6);
  shine(ink, [0.55, 0.5, 0.62], band * dust * dust * 0.75);
  const cells = perUnit;
  const column = Math.floor(x * cells);
  const row = Math.floor(y * cells);
  const chance = noise.at(column * 7.31 + row * 3.77, row * 5.13 - column * 1.91);
  if (chance < mix(0.82, 0.66, band)) return;
  const sx = noise.at(column * 3.3 + 0.5, row * 8.7) * 0.6 + 0.2;
  const sy = noise.at(column * 9.1, row * 2.3 + 0.5) * 0.6 + 0.2;
  const distance = Math.hypot(x * cells - column - sx, y * cells - row - sy);
  const warm = noise.at(column * 1.7, row * 1.3);
  shine(
    ink,
    [0.8 + warm * 0.2, 0.88, 1 - warm * 0.2],
    Math.exp(-distance * distance * 40) * chance,
  );
}

type Shore = Landscape & { readonly water: NonNullable<Landscape["water"]> };

/** The land upside down, moved about by ripples that grow towards the viewer. */
function paintWater(
  noise: Noise,
  scene: Shore,
  x: number,
  y: number,
  ink: Ink,
  phase: number,
): void {
  const depth = (y - scene.water.y) / (1 - scene.water.y);
  const [turnX, turnY] = [Math.cos(phase * 2 * Math.PI) * 0.7, Math.sin(phase * 2 * Math.PI) * 0.7];
  // waves shrink towards the horizon as seen from the shore
  const distance = 1 / (depth + 0.06);
  const wave = noise.fractal(x * 2.2 * distance + turnX, distance * 9 + turnY, 4) - 0.5;
  const fine = noise.fractal(x * 70 + turnX * 2, y * 210 + turnY * 2, 3) - 0.5;
  const moved = (wave * 0.16 + fine * 0.05) * (0.15 + depth);
  const mirrored = Math.max(0, scene.water.y - (y - scene.water.y) * 0.95 + moved);
  paintLand(noise, scene, x + moved * 0.3, Math.min(mirrored, scene.water.y), ink);
  dim(ink, 0.86 + fine * 0.5 + wave * 0.35);
  blend(ink, scene.water.tint, 0.16 + depth * 0.42);
  if (scene.sun === undefined) return;
  const aside = Math.abs(x - scene.sun.x) / (0.05 + depth * 0.24);
  const glint = step(0.08, 0.34, fine + wave * 0.5) * Math.exp(-aside * aside);
  shine(ink, scene.sun.light, glint * 0.95);
}
