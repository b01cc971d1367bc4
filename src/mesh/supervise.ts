/** Watches every peer over a connection of its own and writes what it finds into the health table (spec §3). */

import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import type { MeshDeadlines } from "./alarm.ts";
import type { Credentials } from "./credentials.ts";
import { type Address, dial } from "./dial.ts";
import { DialGreeting } from "./dial-greeting.ts";
import { type HealthMemory, HealthTable, type PeerState } from "./health.ts";
import { WatchConnection } from "./watch-connection.ts";

export interface SuperviseOptions {
  readonly memory: HealthMemory;
  readonly addresses: (peer: string) => readonly Address[];
  /** Name of this node, and the epoch of its topology; said in the hello. */
  readonly self: string;
  readonly epoch: string;
  readonly credentials: Credentials;
  /** Peers of the original protocol; heartbeats and pings are of it. */
  readonly legacy: (peer: string) => boolean;
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: WatchDeadlines;
  /** 0 to below 1; spreads the dials of nodes that lost the same peer. */
  readonly random: () => number;
}

export type WatchDeadlines = MeshDeadlines &
  Readonly<
    Record<
      "peerSilenceMs" | "peerDownMs" | "peerRetryFirstMs" | "peerRetryLongestMs" | "peerReturnMs",
      number
    >
  >;

/** One thread of a node does it, once. Ends with its disposal: the table stays as it was. */
export function supervise(options: SuperviseOptions): Disposable {
  const { memory, clock, deadlines } = options;
  const table = new HealthTable(memory);
  const watches = memory.peers.map((peer) => new Watch(peer, table, options));
  let lastTickMs = clock.monotonicMs();
  const timer = setInterval(() => {
    const now = clock.monotonicMs();
    // this node itself stood still: what the peers said meanwhile has not been read yet
    const stoodStill = now - lastTickMs > 2 * deadlines.heartbeatMs;
    lastTickMs = now;
    for (const watch of watches) watch.tick(stoodStill);
  }, deadlines.heartbeatMs);
  for (const watch of watches) watch.start();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const watch of watches) watch[Symbol.dispose]();
    },
  };
}

class Watch implements Disposable {
  readonly #peer: string;
  readonly #table: HealthTable;
  readonly #options: SuperviseOptions;
  #connection: WatchConnection | undefined;
  #dialling = false;
  #failedDials = 0;
  #retry: Timer | undefined;
  #ended = false;
  #wasUp = false;
  #heardAt = 0;
  /** This connection has brought something after the hello. */
  #answered = false;
  #beatAt: number | undefined;
  /** When it stopped being up. */
  #lostAt: number | undefined;
  #returnedAt: number | undefined;
  /** Reports of failures that were there when it was last asked for a sign of life. */
  #reportsSeen = 0;

  constructor(peer: string, table: HealthTable, options: SuperviseOptions) {
    this.#peer = peer;
    this.#table = table;
    this.#options = options;
  }

  start(): void {
    void this.#dial();
  }

  tick(stoodStill: boolean): void {
    const { clock, deadlines } = this.#options;
    const now = clock.monotonicMs();
    this.#growShare(now);
    if (this.#table.state(this.#peer) === "suspect") {
      this.#lostAt ??= now;
      if (now - this.#lostAt > deadlines.peerDownMs) this.#become("down");
    }
    if (this.#connection === undefined) return;
    if (stoodStill) this.#heardAt = now;
    if (now - this.#heardAt > deadlines.peerSilenceMs) this.#become("suspect");
    if (now - this.#heardAt > deadlines.peerDownMs) {
      // the other end may be gone without a word; a new connection finds out
      this.#connection[Symbol.dispose]();
      return;
    }
    this.#beat(now);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#connection?.[Symbol.dispose]();
  }

  #beat(now: number): void {
    this.#reportsSeen = this.#table.reports(this.#peer);
    this.#beatAt ??= now;
    this.#connection?.beat();
  }

  async #dial(): Promise<void> {
    const { addresses, self, epoch, credentials, clock, deadlines } = this.#options;
    const peer = this.#peer;
    const legacy = this.#options.legacy(peer);
    let made: WatchConnection | undefined;
    this.#dialling = true;
    try {
      await dial(
        addresses(peer),
        () => (legacy ? undefined : new DialGreeting({ self, epoch, peer, credentials })),
        {
          peer,
          clock,
          deadlines,
          tls: legacy ? undefined : credentials.tls,
          onFree: () => undefined,
          onBroken: () => undefined,
          onClosed: (closed) => this.#lost(closed),
        },
        (options) => {
          made = new WatchConnection(options, () => this.#heard());
          return made;
        },
      );
      this.#dialling = false;
      this.#connected(made);
    } catch (error) {
      this.#dialling = false;
      this.#unreached(error);
    }
  }

  #connected(connection: WatchConnection | undefined): void {
    if (this.#ended || connection?.open !== true) {
      connection?.[Symbol.dispose]();
      return;
    }
    const now = this.#options.clock.monotonicMs();
    this.#connection = connection;
    this.#answered = false;
    this.#heardAt = now;
    this.#beatAt = undefined;
    // up with the first pong: a listener that does not let this node in closes only after the hello
    this.#beat(now);
  }

  #unreached(error: unknown): void {
    if (this.#ended) return;
    if (this.#failedDials === 0) {
      this.#options.log.info("peer not reached", { peer: this.#peer, fault: asFault(error) });
    }
    this.#failedDials++;
    this.#become(this.#failedDials < LIMITS.peerDialsMax ? "suspect" : "down");
    this.#dialLater();
  }

  /** For the connection's end. */
  #lost(closed: unknown): void {
    if (this.#ended || closed !== this.#connection) return;
    this.#connection = undefined;
    if (!this.#answered) {
      this.#unreached(new Fault("peer_failed", "closed after the hello; its log says why"));
      return;
    }
    this.#become("suspect");
    this.#dialLater();
  }

  #dialLater(): void {
    const { deadlines, random } = this.#options;
    const doubled = deadlines.peerRetryFirstMs * 2 ** Math.min(this.#failedDials, 16);
    const waitMs = Math.min(doubled, deadlines.peerRetryLongestMs) * (0.5 + random());
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (!this.#dialling) void this.#dial();
    }, waitMs);
  }

  #heard(): void {
    // before that it is the hello
    if (this.#connection === undefined) return;
    const { clock } = this.#options;
    const now = clock.monotonicMs();
    this.#heardAt = now;
    this.#answered = true;
    this.#failedDials = 0;
    this.#table.setSeen(this.#peer, clock.wallSeconds());
    if (this.#beatAt !== undefined) this.#table.setRtt(this.#peer, now - this.#beatAt);
    this.#beatAt = undefined;
    // a request failed since the last ping: only the answer to the next one clears the peer
    if (this.#table.reports(this.#peer) === this.#reportsSeen) this.#become("up");
  }

  #become(state: PeerState): void {
    const before = this.#table.state(this.#peer);
    if (state === before && (state !== "up" || this.#wasUp)) return;
    // only signs of life bring a peer back from being down
    if (state === "suspect" && before === "down") return;
    const { clock, log } = this.#options;
    const now = clock.monotonicMs();
    if (state === "up") {
      // what nobody has asked yet, as when a mesh starts, has no load to take back
      this.#returnedAt = before === "down" && this.#wasUp ? now : undefined;
      this.#table.setShare(this.#peer, this.#returnedAt === undefined ? 1 : 0);
      this.#wasUp = true;
      this.#lostAt = undefined;
    } else {
      this.#lostAt ??= now;
      this.#returnedAt = undefined;
    }
    this.#table.setState(this.#peer, state, clock.wallSeconds());
    log[state === "up" ? "info" : "warn"](`peer is ${state}`, { peer: this.#peer });
  }

  /** Linear over the time it may take; a new slot each time. */
  #growShare(now: number): void {
    if (this.#returnedAt === undefined) return;
    const share = Math.min(1, (now - this.#returnedAt) / this.#options.deadlines.peerReturnMs);
    if (share >= 1) this.#returnedAt = undefined;
    this.#table.setShare(this.#peer, share);
  }
}
