/** Colours on the way to a pixel: red, green, blue and alpha from 0 to 1. */

import { mix } from "./noise.ts";

export type Colour = readonly [number, number, number];

/** The pixel being painted; painters write into it so that no pixel costs an allocation. */
export interface Ink {
  red: number;
  green: number;
  blue: number;
  alpha: number;
}

/**
 * Paints the point (x, y) of a picture: y from 0 (top) to 1, x from 0 to the picture's width /
 * height. `phase` goes from 0 to 1 over an animation and is 0 in a still.
 */
export type Painter = (x: number, y: number, ink: Ink, phase: number) => void;

export function cover(ink: Ink, colour: Colour): void {
  ink.red = colour[0];
  ink.green = colour[1];
  ink.blue = colour[2];
}

/** What is there shows through by 1 − `opacity`. */
export function blend(ink: Ink, colour: Colour, opacity: number): void {
  ink.red = mix(ink.red, colour[0], opacity);
  ink.green = mix(ink.green, colour[1], opacity);
  ink.blue = mix(ink.blue, colour[2], opacity);
}

/** Light adds up. */
export function shine(ink: Ink, colour: Colour, amount: number): void {
  ink.red += colour[0] * amount;
  ink.green += colour[1] * amount;
  ink.blue += colour[2] * amount;
}

export function dim(ink: Ink, factor: number): void {
  ink.red *= factor;
  ink.green *= factor;
  ink.blue *= factor;
}

export function between(a: Colour, b: Colour, t: number): Colour {
  return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
}

/** `0xrrggbb`. */
export function colour(rgb: number): Colour {
  return [((rgb >> 16) & 255) / 255, ((rgb >> 8) & 255) / 255, (rgb & 255) / 255];
}
