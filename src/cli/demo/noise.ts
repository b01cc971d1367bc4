/** Smooth noise: random heights on a lattice, smooth ways between them, finer ones on top. */

import type { Random } from "./random.ts";

/** Points of the lattice a side; it repeats after that. */
const LATTICE = 256;

export interface Noise {
  /** From 0 to 1, features about 1 wide. */
  at(x: number, y: number): number;
  /** The same with `octaves` of half the width and half the height added; about 0 to 1. */
  fractal(x: number, y: number, octaves: number): number;
  /** Sharp crests: mountains, veins, light on water. About 0 to 1. */
  ridged(x: number, y: number, octaves: number): number;
}

export function makeNoise(random: Random): Noise {
  const heights = Float64Array.from({ length: LATTICE * LATTICE }, random);

  function at(x: number, y: number): number {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const fx = smooth(x - left);
    const fy = smooth(y - top);
    const column = left & (LATTICE - 1);
    const nextColumn = (left + 1) & (LATTICE - 1);
    const row = (top & (LATTICE - 1)) * LATTICE;
    const nextRow = ((top + 1) & (LATTICE - 1)) * LATTICE;
    const above = mix(heights[row + column] ?? 0, heights[row + nextColumn] ?? 0, fx);
    const below = mix(heights[nextRow + column] ?? 0, heights[nextRow + nextColumn] ?? 0, fx);
    return mix(above, below, fy);
  }

  function fractal(x: number, y: number, octaves: number): number {
    let sum = 0;
    let weight = 0.5;
    let scale = 1;
    for (let i = 0; i < octaves; i++) {
      // the shift keeps the lattices of the octaves from lining up
      sum += weight * at(x * scale + i * 17.3, y * scale + i * 9.1);
      weight /= 2;
      scale *= 2;
    }
    return sum / (1 - 0.5 ** octaves);
  }

  function ridged(x: number, y: number, octaves: number): number {
    let sum = 0;
    let weight = 0.5;
    let scale = 1;
    for (let i = 0; i < octaves; i++) {
      const height = 1 - Math.abs(2 * at(x * scale + i * 31.7, y * scale + i * 5.3) - 1);
      sum += weight * height * height;
      weight /= 2;
      scale *= 2;
    }
    return sum / (1 - 0.5 ** octaves);
  }

  return { at, fractal, ridged };
}

export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function step(from: number, to: number, value: number): number {
  return smooth(Math.min(1, Math.max(0, (value - from) / (to - from))));
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
