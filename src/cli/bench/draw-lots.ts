/** Draws by weight: Walker's alias method, one look at two tables however many there are. */

import type { Random } from "../demo/random.ts";

export interface Lots {
  /** Number of the one that was drawn. */
  draw(random: Random): number;
}

/** `weights` must have one that is over zero. After Vose (1991): each column holds at most two numbers. */
export function makeLots(weights: Float64Array): Lots {
  const count = weights.length;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const share = weights.map((weight) => (weight * count) / sum);
  const other = Uint32Array.from({ length: count }, (_, i) => i);
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < count; i++) ((share[i] ?? 0) < 1 ? small : large).push(i);
  while (small.length > 0 && large.length > 0) {
    const low = small.pop() ?? 0;
    const high = large.at(-1) ?? 0;
    other[low] = high;
    const rest = (share[high] ?? 0) - (1 - (share[low] ?? 0));
    share[high] = rest;
    if (rest < 1) {
      large.pop();
      small.push(high);
    }
  }
  // what is left over is full but for rounding
  for (const i of [...small, ...large]) share[i] = 1;
  return {
    draw(random) {
      const at = random() * count;
      const column = Math.floor(at);
      return at - column < (share[column] ?? 1) ? column : (other[column] ?? column);
    },
  };
}

/** Zipf's law: the k-th (from 0) in proportion to 1 / (k + 1)^exponent; 0 is all alike. */
export function zipfWeights(count: number, exponent: number): Float64Array {
  return Float64Array.from({ length: count }, (_, k) => (k + 1) ** -exponent);
}
