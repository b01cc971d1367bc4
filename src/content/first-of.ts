/** Asks one after the other until somebody answers; one that is slow is passed over, or a second is asked (spec §4). */

import { CallOff } from "../base/call-off.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type Wait, waitAbout } from "../base/wait-about.ts";

export interface Attempt<T> {
  /** Who is asked. */
  readonly name: string;
  /** Rejects with a Fault. */
  run(callOff: CallOff): Promise<T>;
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
export function firstOf<T>(
  attempts: readonly Attempt<T>[],
  mayHedge: () => boolean,
): Promise<First<T>> {
  return new Promise((resolve, reject) => {
    new Race({ attempts, mayHedge, resolve, reject }).begin();
  });
}

/** The peer itself is the trouble, not what it was asked for. */
export function isUnreachable(fault: Fault): boolean {
  return fault.code === "peer_failed" || fault.code === "draining" || fault.code === "bad_frame";
}

/** Another one may know better: the trouble may pass, and what was just uploaded only its owner has. */
function isOpen(fault: Fault): boolean {
  return FAULTS[fault.code].retry || fault.code === "not_found";
}

interface RaceOptions<T> {
  readonly attempts: readonly Attempt<T>[];
  readonly mayHedge: () => boolean;
  readonly resolve: (first: First<T>) => void;
  readonly reject: (fault: Fault) => void;
}

/** One that is being asked. */
interface Asking<T> {
  readonly attempt: Attempt<T>;
  readonly callOff: CallOff;
  waitedMs: number;
}

class Race<T> {
  readonly #options: RaceOptions<T>;
  /** Of those that have not been asked. */
  #next = 0;
  /** One or two; none once it is over. */
  #asking: readonly Asking<T>[] = [];
  #over = false;
  #wait: Wait | undefined;
  #hedged = false;
  #refusal: Fault | undefined;
  #last: Fault | undefined;

  constructor(options: RaceOptions<T>) {
    this.#options = options;
  }

  begin(): void {
    this.#goOn();
  }

  /** After somebody has been dropped, or nobody has been asked yet. */
  #goOn(): void {
    if (this.#asking.length > 0) this.#watch();
    else if (this.#refusal !== undefined) this.#refuse(this.#refusal);
    else if (this.#askNext()) this.#watch();
    else this.#options.resolve({ kind: "nobody", last: this.#last });
  }

  #askNext(): boolean {
    const attempt = this.#options.attempts[this.#next];
    if (attempt === undefined) return false;
    this.#next++;
    const asking: Asking<T> = { attempt, callOff: new CallOff(), waitedMs: 0 };
    this.#asking = [...this.#asking, asking];
    attempt.run(asking.callOff).then(
      (answer) => this.#onAnswer(asking, answer),
      (error: unknown) => this.#onFault(asking, asFault(error)),
    );
    return true;
  }

  #onAnswer(asking: Asking<T>, answer: T): void {
    const { attempt } = asking;
    if (!this.#asking.includes(asking)) {
      attempt.discard(answer);
      return;
    }
    this.#drop(asking);
    this.#end();
    this.#options.resolve({ kind: "answer", answer, by: attempt.name });
  }

  #onFault(asking: Asking<T>, fault: Fault): void {
    if (!this.#asking.includes(asking)) return;
    this.#drop(asking);
    if (isUnreachable(fault)) this.#last = fault;
    else if (this.#asking.length > 0 && isOpen(fault)) this.#refusal ??= fault;
    else {
      this.#refuse(fault);
      return;
    }
    this.#goOn();
  }

  #refuse(fault: Fault): void {
    this.#end();
    this.#options.reject(fault);
  }

  /** Whoever is still being asked is not wanted any more. */
  #end(): void {
    this.#over = true;
    this.#wait?.end();
    for (const asking of this.#asking) this.#giveUp(asking);
  }

  #drop(asking: Asking<T>): void {
    this.#asking = this.#asking.filter((other) => other !== asking);
  }

  #giveUp(asking: Asking<T>): void {
    this.#drop(asking);
    asking.callOff.call(new Fault("peer_failed", "another one was quicker"));
  }

  /** Looks again at the one that is asked alone when that may change something. */
  #watch(): void {
    this.#wait?.end();
    const waitMs = this.#over ? undefined : this.#waitMs();
    this.#wait = waitMs === undefined ? undefined : waitAbout(waitMs, () => this.#onLate(waitMs));
  }

  /** undefined: never. */
  #waitMs(): number | undefined {
    const [alone] = this.#asking;
    if (alone === undefined || this.#asking.length > 1 || this.#rest === undefined) {
      return alone?.attempt.patience?.whenLate === "pass-over" ? leftMs(alone) : undefined;
    }
    const watchMs = alone.attempt.isDoubtful === undefined ? undefined : DEADLINES.bodyWatchMs;
    const untilLateMs = leftMs(alone);
    if (watchMs === undefined || untilLateMs === undefined) return untilLateMs ?? watchMs;
    return Math.min(watchMs, untilLateMs);
  }

  /** Whoever is to be asked next. */
  get #rest(): Attempt<T> | undefined {
    return this.#options.attempts[this.#next];
  }

  #onLate(waitedMs: number): void {
    const [alone] = this.#asking;
    if (alone === undefined) return;
    const before = leftMs(alone);
    alone.waitedMs += waitedMs;
    const isLate = before !== undefined && leftMs(alone) === undefined;
    if (isLate && alone.attempt.patience?.whenLate === "pass-over") this.#giveUp(alone);
    else if (this.#mayAskAnother(alone, isLate)) this.#askNext();
    this.#goOn();
  }

  #mayAskAnother({ attempt }: Asking<T>, isLate: boolean): boolean {
    if (this.#rest?.patience?.whenLate === "pass-over") return false;
    if (attempt.isDoubtful?.() === true) return true;
    if (!isLate || this.#hedged || !this.#options.mayHedge()) return false;
    this.#hedged = true;
    return true;
  }
}

/** Until it is late; undefined when it is late already, or never. */
function leftMs<T>({ attempt, waitedMs }: Asking<T>): number | undefined {
  const left = (attempt.patience?.waitMs ?? 0) - waitedMs;
  return left > 0 ? left : undefined;
}
