/** Content of a Save or Rebalance to this node, from its header to its end. */

import { Fault } from "../base/fault.ts";
import { reclaim } from "../base/reclaim.ts";
import type { Piece } from "../wire/decode.ts";
import { IncomingBody } from "./incoming-body.ts";

export interface IntakeOptions {
  /** What the frame announced. */
  readonly bytes: number;
  /** No end frame follows: the end of the frame is the end. */
  readonly legacy: boolean;
  /** Steers the socket. */
  readonly pause: (on: boolean) => void;
}

export class Intake {
  readonly body: IncomingBody;
  readonly #legacy: boolean;
  #discarding = false;

  constructor({ bytes, legacy, pause }: IntakeOptions) {
    this.#legacy = legacy;
    this.body = new IncomingBody(bytes, {
      pause: () => pause(true),
      resume: () => pause(false),
      // the session watches for silence whether or not somebody reads
      waiting: () => undefined,
      abandon: () => {
        this.#discarding = true;
        pause(false);
      },
    });
  }

  /** Whether that was the last piece of it. Throws a Fault `bad_frame`; then the body has failed with it. */
  take(piece: Piece): boolean {
    switch (piece.kind) {
      case "body":
        if (this.#discarding) reclaim(piece.bytes.length);
        else this.body.push(piece.bytes);
        return false;
      case "bodyEnd":
        if (this.#legacy) this.body.complete();
        return this.#legacy;
      case "end":
        this.#failing(this.#discarding ? undefined : this.body.verify(piece.end));
        return true;
      default:
        this.#failing(new Fault("bad_frame", `${piece.kind} where the end of a Save belongs`));
        return true;
    }
  }

  /** Nobody reads it any more; its rest is dropped as it comes. */
  discard(): void {
    this.body.cancel();
  }

  /** The rest will not come. */
  fail(fault: Fault): void {
    this.body.fail(fault);
  }

  #failing(fault: Fault | undefined): void {
    if (fault === undefined) return;
    this.body.fail(fault);
    throw fault;
  }
}
