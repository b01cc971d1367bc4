/** What one side of a connection and the question or message on it need of each other. */

import type { Fault } from "../base/fault.ts";
import type { Piece } from "../wire/decode.ts";

/** What a connection offers to the exchange under way on it. */
export interface Line {
  /**
   * As `Outgoing.write`; one at a time. When it throws or rejects, the connection has ended and the exchange
   * has been told.
   */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Takes nothing more from the kernel, so that the peer has to wait. */
  pause(on: boolean): void;
  /** What `patienceMs` says has changed. */
  rearm(): void;
  /** Ends the connection by our own doing: nothing is blamed on the peer. */
  abandon(fault: Fault): void;
}

/**
 * After a piece: `more` is to come; `done`, the connection can serve the next exchange; `spent`, the exchange
 * is over and the connection has to go.
 */
export type Progress = "more" | "done" | "spent";

/** One question or message on a connection, from its first byte to the last of the answer. */
export interface Exchange {
  /** Says what there is to say; called once. Throws a Fault when nothing has been said and nothing can be. */
  start(line: Line): void;
  /** A message from the peer; throws a Fault `bad_frame` for one that does not belong here. */
  take(piece: Piece): Progress;
  /** How long nothing may come from now on; undefined when nothing is waited for. */
  patienceMs(): number | undefined;
  /** Why that was too long. */
  overdue(): Fault;
  /** The connection has ended, or never could be used. */
  fail(fault: Fault): void;
}

/** How long to wait for the next byte of a peer that has something to do. */
export function patience(options: {
  readonly nowMs: number;
  readonly deadlineAt: number;
  readonly silenceMs: number;
}): number {
  return Math.min(options.deadlineAt - options.nowMs, options.silenceMs);
}
