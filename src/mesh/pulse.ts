/** Signs of life while something is worked on. */

import type { Clock } from "../base/clock.ts";
import { HEARTBEAT_FRAME } from "../wire/encode.ts";
import { Alarm } from "./alarm.ts";
import type { Outgoing } from "./outgoing.ts";

export interface PulseOptions {
  readonly out: Outgoing;
  readonly clock: Clock;
  readonly heartbeatMs: number;
}

/** Of one connection; beats from `begin` until the answer begins or the work is over. */
export class Pulse implements Disposable {
  readonly #options: PulseOptions;
  readonly #alarm: Alarm;
  #deadlineAt = Number.POSITIVE_INFINITY;
  #onLate: (() => void) | undefined;
  #beating: Promise<void> | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#beat());
  }

  /** At `deadlineAt`, on the monotonic clock, `onLate` is called and the pulse ends. */
  begin(deadlineAt = Number.POSITIVE_INFINITY, onLate?: () => void): void {
    this.#deadlineAt = deadlineAt;
    this.#onLate = onLate;
    this.#beating = undefined;
    this.#arm();
  }

  end(): void {
    this.#alarm.clear();
    this.#onLate = undefined;
  }

  /** Ends the pulse; the bytes follow a heartbeat that is still being written. */
  writeAfter(bytes: Uint8Array): Promise<void> | undefined {
    const { out } = this.#options;
    this.end();
    if (!out.busy || this.#beating === undefined) return out.write(bytes);
    return this.#beating.then(() => out.write(bytes));
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  get #leftMs(): number {
    return this.#deadlineAt - this.#options.clock.monotonicMs();
  }

  #arm(): void {
    this.#alarm.set(Math.min(this.#options.heartbeatMs, this.#leftMs));
  }

  #beat(): void {
    const { out } = this.#options;
    if (this.#leftMs <= 0) {
      this.#onLate?.();
      return;
    }
    this.#arm();
    if (!out.busy) this.#beating = quietly(() => out.write(HEARTBEAT_FRAME));
  }
}

/** A heartbeat that cannot be written needs no care: the connection is closed, and its owner knows. */
async function quietly(write: () => Promise<void> | undefined): Promise<void> {
  try {
    await write();
  } catch {
    return;
  }
}
