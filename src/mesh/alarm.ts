/** The deadlines of a connection, and one timer that is moved without being set anew. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";

/** The waits of base/deadlines.ts that connections between nodes have; shorter ones are for tests. */
export type MeshDeadlines = Readonly<
  Record<
    | "connectMs"
    | "redialFirstMs"
    | "redialLongestMs"
    | "helloMs"
    | "linkIdleMs"
    | "linkSilenceMs"
    | "heartbeatMs"
    | "bodyStallMs"
    | "frameStallMs"
    | "sendStallMs"
    | "drainFinishMs"
    | "requestMs",
    number
  >
>;

export function meshDeadlines(shorter: Partial<MeshDeadlines> = {}): MeshDeadlines {
  return { ...DEADLINES, ...shorter };
}

/**
 * Calls `onDue` once when the time set last has passed. A deadline that only moves later, as it does with
 * every byte, costs no system timer: the timer looks again when it fires.
 */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #dueAt = Number.POSITIVE_INFINITY;
  #firesAt = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Due this many milliseconds from now; replaces what was set before. */
  set(afterMs: number): void {
    const now = this.#clock.monotonicMs();
    this.#dueAt = now + afterMs;
    if (this.#dueAt < this.#firesAt) this.#start(now);
  }

  clear(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  [Symbol.dispose](): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #start(now: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = this.#dueAt;
    this.#timer = setTimeout(() => this.#fired(), Math.max(1, Math.ceil(this.#dueAt - now)));
  }

  #fired(): void {
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (this.#dueAt === Number.POSITIVE_INFINITY) return;
    const now = this.#clock.monotonicMs();
    if (now < this.#dueAt) {
      this.#start(now);
      return;
    }
    this.clear();
    this.#onDue();
  }
}
