/** A connection that only asks whether a peer is alive: heartbeats and pings, never a request (spec §3). */

import type { Socket } from "bun";
import { Fault } from "../base/fault.ts";
import { HEARTBEAT_FRAME, PING_FRAME } from "../wire/encode.ts";
import { LinkConnection, type LinkConnectionOptions } from "./link-connection.ts";

const BEAT: Uint8Array = Buffer.concat([HEARTBEAT_FRAME, PING_FRAME]);

export class WatchConnection extends LinkConnection {
  readonly #onHeard: () => void;
  #wire: Socket<LinkConnection> | undefined;

  /** `onHeard` is called for whatever the peer sends: any byte is a sign of life. */
  constructor(options: LinkConnectionOptions, onHeard: () => void) {
    super(options);
    this.#onHeard = onHeard;
  }

  override opened(socket: Socket<LinkConnection>): void {
    this.#wire = socket;
    super.opened(socket);
  }

  override received(bytes: Uint8Array): void {
    super.received(bytes);
    if (this.open) this.#onHeard();
  }

  /** Only after the hello. The peer answers with a pong as soon as it looks at the connection. */
  beat(): void {
    const taken = this.open ? this.#wire?.write(BEAT) : undefined;
    // two small frames a second never fill a socket that is read
    if (taken !== BEAT.length) this.fail(new Fault("peer_failed", "the peer takes no heartbeats"));
  }
}
