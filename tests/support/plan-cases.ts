/** Variants of one photograph, for the planner. */

import type { Format } from "../../src/base/variant.ts";
import type { Shape } from "../../src/image/fit.ts";
import type { Candidate, Place, Target } from "../../src/image/plan.ts";
import type { Fit } from "../../src/topology/topology.ts";

export const BOXES = {
  xs: [160, 160],
  sm: [320, 240],
  md: [1024, 768],
  lg: [2048, 1536],
  xl: [4096, 3072],
  "1200x900": [1200, 900],
  // crops and pictures with room around them
  face: [200, 200, "cover"],
  bigface: [800, 800, "cover"],
  banner: [800, 200, "cover"],
  card: [300, 200, "contain"],
  bigcard: [900, 600, "contain"],
  placeholder: [32, 32],
} as const satisfies Record<string, readonly [number, number, Fit?]>;
export type ClassName = keyof typeof BOXES;
export type Size = ClassName | "orig";

const photo = { width: 4032, height: 3024, alpha: false, animated: false };

export function source(size: Size, ext: string, lossySteps = 0, place: Place = "local"): Candidate {
  const shape = size === "orig" ? undefined : shapeOf(size);
  return { size, ext, lossySteps, bytes: 1000, shape, place };
}

export function target(size: ClassName, format: Format, facts: Partial<typeof photo> = {}): Target {
  return { size, shape: shapeOf(size), format, facts: { ...photo, ...facts } };
}

export function shapeOf(size: ClassName): Shape {
  const [width, height, fit = "inside"]: readonly [number, number, Fit?] = BOXES[size];
  return { box: { width, height }, fit };
}
