/**
 * Latencies in slots whose width grows with them: 128 to a doubling, so that what is read back is within 0.4 % of
 * what was put in, from 12.8 µs up; below it is within 0.05 µs.
 */

/** A slot of the lowest ones is 0.1 µs wide. */
const UNITS_PER_MS = 10_000;
/** What is longer (429 s) counts as this long. */
const UNITS_MAX = 2 ** 32 - 1;
const PER_DOUBLING = 128;
export const LATENCY_SLOTS = 26 * PER_DOUBLING;

export function slotOf(ms: number): number {
  const units = Math.min(ms * UNITS_PER_MS, UNITS_MAX) >>> 0;
  if (units < 2 * PER_DOUBLING) return units;
  const shift = 24 - Math.clz32(units);
  return shift * PER_DOUBLING + (units >>> shift);
}

/** Milliseconds at which a slot begins. */
export function slotStartMs(slot: number): number {
  if (slot < 2 * PER_DOUBLING) return slot / UNITS_PER_MS;
  const shift = Math.floor(slot / PER_DOUBLING) - 1;
  return ((slot - shift * PER_DOUBLING) * 2 ** shift) / UNITS_PER_MS;
}

/** The middle of a slot. */
function slotMs(slot: number): number {
  return (slotStartMs(slot) + slotStartMs(slot + 1)) / 2;
}

/** The latency that a share of all stays within; NaN of none. `share` is over 0, at most 1. */
export function percentileMs(counts: Uint32Array, share: number): number {
  const total = countOf(counts);
  const rank = Math.max(1, Math.ceil(share * total - 1e-9));
  let seen = 0;
  for (let slot = 0; slot < counts.length; slot++) {
    seen += counts[slot] ?? 0;
    if (seen >= rank) return slotMs(slot);
  }
  return Number.NaN;
}

function countOf(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

export interface LatencyBar {
  /** Upper end. */
  readonly ms: number;
  readonly count: number;
}

/** Ends of bars for people: 1, 2, 5, 10, 20, 50 … µs. */
const STEPS = [1, 2, 5] as const;
const DECADES = 9;

/** How many lie in each bar, from the first that has any to the last. A slot goes where its middle is. */
export function latencyBars(counts: Uint32Array): readonly LatencyBar[] {
  const ends = Array.from({ length: DECADES }, (_, n) => STEPS.map((s) => (s * 10 ** n) / 1000));
  const bars = ends.flat().map((ms) => ({ ms, count: 0 }));
  for (let slot = 0; slot < counts.length; slot++) {
    const count = counts[slot] ?? 0;
    if (count === 0) continue;
    const middle = slotMs(slot);
    const bar = bars.find(({ ms }) => middle <= ms) ?? bars.at(-1);
    if (bar !== undefined) bar.count += count;
  }
  const used = bars.map(({ count }) => count > 0);
  return bars.slice(Math.max(0, used.indexOf(true)), used.lastIndexOf(true) + 1);
}
