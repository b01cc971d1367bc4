/** Bytes on their way into a socket that takes them in parts. */

import type { Socket } from "bun";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { Alarm } from "./alarm.ts";

/** One write at a time; the bytes must stay as they are until it has ended. */
export class Outgoing {
  readonly #socket: Socket<unknown>;
  readonly #stallMs: number;
  readonly #alarm: Alarm;
  #rest: Uint8Array | undefined;
  #waiter: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(options: {
    readonly socket: Socket<unknown>;
    readonly clock: Clock;
    /** The socket is terminated when it takes no byte for this long. */
    readonly stallMs: number;
  }) {
    this.#socket = options.socket;
    this.#stallMs = options.stallMs;
    this.#alarm = new Alarm(options.clock, () => this.#socket.terminate());
  }

  /** A write has not ended. */
  get busy(): boolean {
    return this.#waiter !== undefined;
  }

  /**
   * undefined when the kernel took all of it at once, else a promise until it has. Throws or rejects with a
   * Fault `peer_failed` when the socket is closed.
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#waiter !== undefined)
      throw new Fault("internal", "two writes at once on a connection");
    const taken = this.#closed ? -1 : this.#socket.write(bytes);
    if (taken < 0) throw new Fault("peer_failed", "the connection is closed");
    if (taken === bytes.length) return undefined;
    this.#rest = bytes.subarray(taken);
    this.#waiter = Promise.withResolvers();
    this.#alarm.set(this.#stallMs);
    return this.#waiter.promise;
  }

  /** For the socket's `drain`. */
  drained(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    const taken = this.#socket.write(rest);
    // -1: closed; `close` follows and tells the waiter
    if (taken < 0) return;
    if (taken < rest.length) {
      this.#rest = rest.subarray(taken);
      if (taken > 0) this.#alarm.set(this.#stallMs);
      return;
    }
    this.#rest = undefined;
    this.#alarm.clear();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve();
  }

  /** For the socket's `close`. */
  closed(): void {
    this.#closed = true;
    this.#alarm[Symbol.dispose]();
    this.#rest = undefined;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(new Fault("peer_failed", "the connection broke off"));
  }
}
