/** That something is not wanted any more: what an AbortSignal says, at the price of a request on the hot path. */

import type { Fault } from "./fault.ts";

/** Said at most once. bench/micro/wire.ts: a controller with a listener costs a hundred times as much. */
export class CallOff {
  #reason: Fault | undefined;
  #listener: ((reason: Fault) => void) | undefined;
  #controller: AbortController | undefined;

  /** Why; undefined while it is still wanted. */
  get reason(): Fault | undefined {
    return this.#reason;
  }

  /** The same for those who need one; made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** One listener at a time: it replaces the one before. It is called at once when the word has been said. */
  hear(listener: (reason: Fault) => void): void {
    if (this.#reason === undefined) this.#listener = listener;
    else listener(this.#reason);
  }

  /** Nobody listens from now on; the signal still tells. */
  deafen(): void {
    this.#listener = undefined;
  }

  /** A second word changes nothing. */
  call(reason: Fault): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listener = this.#listener;
    this.#listener = undefined;
    this.#controller?.abort(reason);
    listener?.(reason);
  }
}
