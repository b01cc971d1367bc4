/** Asks one after the other until somebody answers; one that is slow is passed over, or a second is asked (spec §4). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS, type Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";

export interface Attempt<T> {
  /** Who is asked. */
  readonly name: string;
  /** Rejects with a Fault. */
  run(signal: AbortSignal): Promise<T>;
  /** Gives back an answer that another one was quicker than. */
  discard(answer: T): void;
  readonly patience: Patience | undefined;
  /** Whether it may not answer at all: then the next one is asked as well, at once and beside the budget. */
  isDoubtful?(): boolean;
}

/** What happens when no answer has begun after `waitMs`. */
export interface Patience {
  readonly waitMs: number;
  /** `hedge`: the next one is asked as well; `pass-over`: this one is given up. */
  readonly whenLate: "hedge" | "pass-over";
}

export type First<T> =
  | { readonly kind: "answer"; readonly answer: T; readonly by: string }
  /** Nobody could be reached; `last` is what the last one failed with. */
  | { readonly kind: "nobody"; readonly last: Fault | undefined };

/** Second requests a worker may still send: so that slow owners get little more load, and not twice as much. */
export interface HedgeBudget {
  /** A first request was sent. */
  earn(): void;
  /** Whether a second one may be sent now. */
  spend(): boolean;
}

export function makeHedgeBudget(): HedgeBudget {
  let tenths = LIMITS.hedgesMax * LIMITS.hedgeAsks;
  return {
    earn() {
      tenths = Math.min(tenths + 1, LIMITS.hedgesMax * LIMITS.hedgeAsks);
    },
    spend() {
      if (tenths < LIMITS.hedgeAsks) return false;
      tenths -= LIMITS.hedgeAsks;
      return true;
    },
  };
}

/**
 * The first answer; at most two are asked at a time, and for slowness a second one at most once (`mayHedge`
 * is asked then). What somebody who could be reached refuses with is thrown; but a refusal that may pass waits
 * for the other one that is being asked.
 */
export async function firstOf<T>(
  attempts: readonly Attempt<T>[],
  mayHedge: () => boolean,
): Promise<First<T>> {
  const race = new Race(attempts, mayHedge);
  try {
    return await race.run();
  } finally {
    race.end();
  }
}

/** The peer itself is the trouble, not what it was asked for. */
export function isUnreachable(fault: Fault): boolean {
  return fault.code === "peer_failed" || fault.code === "draining" || fault.code === "bad_frame";
}

/** Another one may know better: the trouble may pass, and what was just uploaded only its owner has. */
function isOpen(fault: Fault): boolean {
  return FAULTS[fault.code].retry || fault.code === "not_found";
}

interface Asking<T> {
  readonly attempt: Attempt<T>;
  readonly abort: AbortController;
  readonly ended: Promise<Ended<T>>;
  waitedMs: number;
}

type Ended<T> =
  | { readonly kind: "answer"; readonly answer: T; readonly asking: Asking<T> }
  | { readonly kind: "fault"; readonly fault: Fault; readonly asking: Asking<T> };

class Race<T> {
  readonly #rest: Attempt<T>[];
  readonly #mayHedge: () => boolean;
  readonly #asking = new Set<Asking<T>>();
  #hedged = false;
  #refusal: Fault | undefined;
  #last: Fault | undefined;

  constructor(attempts: readonly Attempt<T>[], mayHedge: () => boolean) {
    this.#rest = [...attempts];
    this.#mayHedge = mayHedge;
  }

  async run(): Promise<First<T>> {
    for (;;) {
      if (this.#asking.size === 0) {
        if (this.#refusal !== undefined) throw this.#refusal;
        if (!this.#askNext()) return { kind: "nobody", last: this.#last };
      }
      const waitMs = this.#waitMs();
      const ended = await this.#next(waitMs);
      if (ended === "late") this.#onLate(waitMs ?? 0);
      else if (ended.kind === "fault") this.#onFault(ended);
      else {
        this.#asking.delete(ended.asking);
        return { kind: "answer", answer: ended.answer, by: ended.asking.attempt.name };
      }
    }
  }

  /** Whoever is still being asked is not wanted any more. */
  end(): void {
    for (const asking of this.#asking) giveUp(asking);
  }

  #askNext(): boolean {
    const next = this.#rest.shift();
    if (next !== undefined) this.#asking.add(begin(next));
    return next !== undefined;
  }

  async #next(waitMs: number | undefined): Promise<Ended<T> | "late"> {
    const ends = [...this.#asking].map((asking) => asking.ended);
    if (waitMs === undefined) return Promise.race(ends);
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), waitMs);
    try {
      return await Promise.race([...ends, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Until the one that is asked alone is to be looked at; undefined: never. */
  #waitMs(): number | undefined {
    const [alone] = this.#asking;
    if (alone === undefined || this.#asking.size > 1 || this.#rest.length === 0) {
      return alone?.attempt.patience?.whenLate === "pass-over" ? leftMs(alone) : undefined;
    }
    const watchMs = alone.attempt.isDoubtful === undefined ? undefined : DEADLINES.bodyWatchMs;
    const untilLateMs = leftMs(alone);
    if (watchMs === undefined || untilLateMs === undefined) return untilLateMs ?? watchMs;
    return Math.min(watchMs, untilLateMs);
  }

  #onLate(waitedMs: number): void {
    const [alone] = this.#asking;
    if (alone === undefined) return;
    const before = leftMs(alone);
    alone.waitedMs += waitedMs;
    const isLate = before !== undefined && leftMs(alone) === undefined;
    if (isLate && alone.attempt.patience?.whenLate === "pass-over") {
      this.#asking.delete(alone);
      giveUp(alone);
      return;
    }
    if (this.#rest[0]?.patience?.whenLate === "pass-over") return;
    const isDoubtful = alone.attempt.isDoubtful?.() === true;
    if (!isDoubtful && (!isLate || this.#hedged || !this.#mayHedge())) return;
    this.#hedged ||= !isDoubtful;
    this.#askNext();
  }

  #onFault({ asking, fault }: Extract<Ended<T>, { kind: "fault" }>): void {
    this.#asking.delete(asking);
    if (isUnreachable(fault)) this.#last = fault;
    else if (this.#asking.size > 0 && isOpen(fault)) this.#refusal ??= fault;
    else throw fault;
  }
}

function begin<T>(attempt: Attempt<T>): Asking<T> {
  const abort = new AbortController();
  const asking: Asking<T> = {
    attempt,
    abort,
    waitedMs: 0,
    ended: attempt.run(abort.signal).then(
      (answer) => ({ kind: "answer", answer, asking }),
      (error: unknown) => ({ kind: "fault", fault: asFault(error), asking }),
    ),
  };
  return asking;
}

/** Until it is late; undefined when it is late already, or never. */
function leftMs<T>({ attempt, waitedMs }: Asking<T>): number | undefined {
  const left = (attempt.patience?.waitMs ?? 0) - waitedMs;
  return left > 0 ? left : undefined;
}

function giveUp<T>({ attempt, abort, ended }: Asking<T>): void {
  abort.abort();
  void ended.then((late) => {
    if (late.kind === "answer") attempt.discard(late.answer);
  });
}
