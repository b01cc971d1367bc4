/** What a connection from a peer is given by its listener. */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { MeshDeadlines } from "./alarm.ts";
import type { Credentials } from "./credentials.ts";
import type { PeerHandlers } from "./tell.ts";

export interface SessionOptions {
  readonly self: string;
  readonly epoch: string;
  /** Legacy peers are served from anywhere. */
  readonly insecure: boolean;
  readonly credentials: Credentials;
  readonly handlers: PeerHandlers;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  /** The connection has ended; called once. */
  readonly onClosed: () => void;
}
