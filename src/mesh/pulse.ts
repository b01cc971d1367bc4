/** Signs of life while something is worked on. */

import type { Clock } from "../base/clock.ts";
import { HEARTBEAT_FRAME } from "../wire/encode.ts";
import { Alarm } from "./alarm.ts";
import type { Outgoing } from "./outgoing.ts";

export interface PulseOptions {
  readonly out: Outgoing;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** On the monotonic clock; then `onLate` is called and the pulse ends. */
  readonly deadlineAt?: number;
  readonly onLate?: () => void;
}

/** Beats until the answer begins or the work is over. */
export class Pulse implements Disposable {
  readonly #options: PulseOptions;
  readonly #alarm: Alarm;
  #beating: Promise<void> | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#beat());
    this.#arm();
  }

  /** Ends the pulse; the bytes follow a heartbeat that is still being written. */
  writeAfter(bytes: Uint8Array): Promise<void> | undefined {
    const { out } = this.#options;
    this.#alarm[Symbol.dispose]();
    if (!out.busy || this.#beating === undefined) return out.write(bytes);
    return this.#beating.then(() => out.write(bytes));
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  get #leftMs(): number {
    const { clock, deadlineAt = Number.POSITIVE_INFINITY } = this.#options;
    return deadlineAt - clock.monotonicMs();
  }

  #arm(): void {
    this.#alarm.set(Math.min(this.#options.heartbeatMs, this.#leftMs));
  }

  #beat(): void {
    const { out, onLate } = this.#options;
    if (this.#leftMs <= 0) {
      onLate?.();
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
