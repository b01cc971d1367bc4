/** How long a peer that could not be reached is left alone, so that not every request dials it. */

import type { Clock } from "../base/clock.ts";
import type { MeshDeadlines } from "./alarm.ts";

export interface BackOffOptions {
  readonly clock: Clock;
  readonly deadlines: Pick<MeshDeadlines, "redialFirstMs" | "redialLongestMs">;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Milliseconds until the peer may be dialled again; 0 when it may be now. */
  get waitMs(): number {
    return Math.max(0, this.#until - this.#options.clock.monotonicMs());
  }

  /**
   * A dial has failed: doubled each time, between half of the wait and all of it, so that nodes do not come
   * back together. Dials that were under way at once count as one failure.
   */
  failed(): void {
    if (this.waitMs > 0) return;
    const { clock, random, deadlines } = this.#options;
    const longest = Math.min(
      deadlines.redialFirstMs * 2 ** Math.min(this.#failures, 30),
      deadlines.redialLongestMs,
    );
    this.#failures++;
    this.#until = clock.monotonicMs() + longest * (0.5 + random() / 2);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
