/** The line of one exchange: deaf as soon as that is not the one under way on its connection any more. */

import type { Fault } from "../base/fault.ts";
import type { Exchange, Line } from "./exchange.ts";

/** What a connection does for the exchange under way on it. */
export interface LineEnd {
  /** Whether the exchange is the one under way. */
  serves(exchange: Exchange): boolean;
  /** Throws a Fault when it is not. */
  writeFor(exchange: Exchange, bytes: Uint8Array): Promise<void> | undefined;
  setPaused(on: boolean): void;
  rearm(): void;
  fail(fault: Fault): void;
}

export class OpenLine implements Line {
  readonly #end: LineEnd;
  readonly #exchange: Exchange;

  constructor(end: LineEnd, exchange: Exchange) {
    this.#end = end;
    this.#exchange = exchange;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#end.writeFor(this.#exchange, bytes);
  }

  pause(on: boolean): void {
    if (this.#mine) this.#end.setPaused(on);
  }

  rearm(): void {
    if (this.#mine) this.#end.rearm();
  }

  abandon(fault: Fault): void {
    if (this.#mine) this.#end.fail(fault);
  }

  get #mine(): boolean {
    return this.#end.serves(this.#exchange);
  }
}
