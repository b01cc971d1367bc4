/** Rates of a node out of counters that only grow. */

/** How much of a rate is of the last interval. */
const NEWEST_SHARE = 0.4;

/** What has happened since the node started. */
export interface Totals {
  /** Requests of clients and of peers. */
  readonly requests: number;
  /** Answers to clients that did not come from a peer, and answers to peers. */
  readonly answers: number;
}

/** 0 until the second reading. */
export class Meter {
  #before: { readonly totals: Totals; readonly atMs: number } | undefined;
  #answers: number | undefined;
  #requests: number | undefined;

  /** Answers a second of late. */
  get answersPerSecond(): number {
    return this.#answers ?? 0;
  }

  get requestsPerMinute(): number {
    return (this.#requests ?? 0) * 60;
  }

  read(totals: Totals, nowMs: number): void {
    const before = this.#before;
    const seconds = (nowMs - (before?.atMs ?? nowMs)) / 1000;
    if (before !== undefined && seconds <= 0) return;
    this.#before = { totals, atMs: nowMs };
    if (before === undefined) return;
    const grown = (of: keyof Totals): number =>
      Math.max(0, totals[of] - before.totals[of]) / seconds;
    this.#answers = smoothed(this.#answers, grown("answers"));
    this.#requests = smoothed(this.#requests, grown("requests"));
  }
}

/** The first interval is all that is known. */
function smoothed(before: number | undefined, now: number): number {
  return before === undefined ? now : before + (now - before) * NEWEST_SHARE;
}
