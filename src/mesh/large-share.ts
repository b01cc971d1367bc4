/** Large bodies hold a connection for long: how many of those to one peer they may, so that small ones find one. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";

/** An answer turned out to be large while as many as may be are under way: it is asked for again in its turn. */
export class NotItsTurn extends Fault {
  constructor(peer: string) {
    super("overloaded", `too many large bodies from the node ${peer} at once`);
  }
}

export interface LargeShareOptions {
  readonly peer: string;
  readonly bodiesMax: number;
  readonly waitingMax: number;
}

interface Waiter {
  readonly come: () => void;
  readonly leave: (fault: Fault) => void;
}

/** Of the connections to one peer. Whoever waited longest comes first, also before those who have not waited. */
export class LargeShare {
  readonly #options: LargeShareOptions;
  #bodies = 0;
  #waiting: Waiter[] = [];

  constructor(options: LargeShareOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** False: not now. Each true, and each `turn`, ends in one `leave`. */
  enter(): boolean {
    if (this.#bodies >= this.#options.bodiesMax || this.#waiting.length > 0) return false;
    this.#bodies++;
    return true;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#bodies--;
    else next.come();
  }

  /** Enters as soon as may be. Rejects with a Fault: `overloaded` when too many wait, `too_slow` after `leftMs`. */
  turn(leftMs: number): Promise<void> {
    const { peer, waitingMax } = this.#options;
    if (this.enter()) return Promise.resolve();
    if (this.#waiting.length >= waitingMax) return Promise.reject(new NotItsTurn(peer));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        come() {
          clearTimeout(timer);
          resolve();
        },
        leave(fault) {
          clearTimeout(timer);
          reject(fault);
        },
      };
      const timer = setTimeout(
        () => {
          this.#waiting = this.#waiting.filter((other) => other !== waiter);
          const told = `large bodies from the node ${peer} took too long to make room`;
          reject(new Fault("too_slow", told));
        },
        Math.max(1, leftMs),
      );
      this.#waiting.push(waiter);
    });
  }

  /** Nobody has to wait any more: all get the fault. */
  shut(fault: Fault): void {
    for (const waiter of this.#waiting.splice(0)) waiter.leave(fault);
  }
}

/** The place in the share that one request may need. */
export class LargePlace {
  readonly #share: LargeShare;
  #held: boolean;

  /** `held`: it has waited for its turn. */
  constructor(share: LargeShare, held: boolean) {
    this.#share = share;
    this.#held = held;
  }

  /** Whether a body of so many bytes may come now. */
  takes(bytes: number): boolean {
    if (bytes <= LIMITS.collectBytesMax || this.#held) return true;
    this.#held = this.#share.enter();
    return this.#held;
  }

  /** When the request has ended; more than once is once. */
  leave(): void {
    if (this.#held) this.#share.leave();
    this.#held = false;
  }
}
