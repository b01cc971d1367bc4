/** Asks one after the other until somebody answers; one that is slow is passed over, or a second is asked (spec §4). */

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
function isUnreachable(fault: Fault): boolean {
  return fault.code === "peer_failed" || fault.code === "draining" || fault.code === "bad_frame";
}

interface Asking<T> {
  readonly attempt: Attempt<T>;
  readonly abort: AbortController;
  readonly ended: Promise<Ended<T>>;
}

type Ended<T> =
  | { readonly kind: "answer"; readonly answer: T; readonly asking: Asking<T> }
  | { readonly kind: "fault"; readonly fault: Fault; readonly asking: Asking<T> };

class Race<T> {
  readonly #rest: Attempt<T>[];
  readonly #mayHedge: () => boolean;
  readonly #asking = new Set<Asking<T>>();
  #patient = false;
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
      const ended = await this.#next();
      if (ended === "late") this.#onLate();
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

  async #next(): Promise<Ended<T> | "late"> {
    const ends = [...this.#asking].map((asking) => asking.ended);
    const patience = this.#patience();
    if (patience === undefined) return Promise.race(ends);
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), patience.waitMs);
    try {
      return await Promise.race([...ends, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #patience(): Patience | undefined {
    const [first] = this.#asking;
    const patience = this.#asking.size === 1 ? first?.attempt.patience : undefined;
    return this.#patient && patience?.whenLate === "hedge" ? undefined : patience;
  }

  #onLate(): void {
    const [slow] = this.#asking;
    if (slow?.attempt.patience?.whenLate === "pass-over") {
      this.#asking.delete(slow);
      giveUp(slow);
      return;
    }
    this.#patient = true;
    const [next] = this.#rest;
    if (next === undefined || next.patience?.whenLate === "pass-over" || !this.#mayHedge()) return;
    this.#askNext();
  }

  #onFault({ asking, fault }: Extract<Ended<T>, { kind: "fault" }>): void {
    this.#asking.delete(asking);
    if (isUnreachable(fault)) this.#last = fault;
    else if (this.#asking.size > 0 && FAULTS[fault.code].retry) this.#refusal ??= fault;
    else throw fault;
  }
}

function begin<T>(attempt: Attempt<T>): Asking<T> {
  const abort = new AbortController();
  const asking: Asking<T> = {
    attempt,
    abort,
    ended: attempt.run(abort.signal).then(
      (answer) => ({ kind: "answer", answer, asking }),
      (error: unknown) => ({ kind: "fault", fault: asFault(error), asking }),
    ),
  };
  return asking;
}

function giveUp<T>({ attempt, abort, ended }: Asking<T>): void {
  abort.abort();
  void ended.then((late) => {
    if (late.kind === "answer") attempt.discard(late.answer);
  });
}
