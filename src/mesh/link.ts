/** Asking peers: the client side of the control protocol (spec §3). */

import type { CallOff } from "../base/call-off.ts";
import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Ask } from "../wire/messages.ts";
import { type MeshDeadlines, meshDeadlines } from "./alarm.ts";
import { AskExchange } from "./ask-exchange.ts";
import { AuthRefused } from "./auth.ts";
import { BackOff } from "./back-off.ts";
import { type Credentials, NO_CREDENTIALS } from "./credentials.ts";
import { type Address, dial } from "./dial.ts";
import { DialGreeting } from "./dial-greeting.ts";
import type { LargePlace } from "./large-share.ts";
import { LegacyAsk } from "./legacy-ask.ts";
import { LegacyTell } from "./legacy-tell.ts";
import type { LinkConnection } from "./link-connection.ts";
import type { PeerReply, PeerRequest } from "./peer.ts";
import { PeerPool } from "./peer-pool.ts";
import type { Tell, Told } from "./tell.ts";
import { TellExchange } from "./tell-exchange.ts";
import type { Traffic } from "./traffic.ts";

export interface Links {
  /**
   * Asks a peer for a variant. The answer's body must be read to its end or cancelled: until then it holds a
   * connection. Rejects with a Fault: the peer's own code; `peer_failed` when it cannot be reached, breaks
   * off, or sends a code unknown here; `too_slow` when no answer began within `deadlineMs`; `overloaded`
   * when too many requests wait for it; `bad_frame` when it breaks the protocol. Once it is called off,
   * an answer that has not begun is not waited for, and its connection is closed.
   */
  ask(peer: string, request: PeerRequest, callOff?: CallOff): Promise<PeerReply>;
  /**
   * Tells a peer something and waits until it has acted on it. A message on a connection that turns out to
   * be stale is told once more on a new one. Rejects with a Fault: the peer's own code; `not_found` when the
   * file to send cannot be read; else as `ask`. `deadlineMs` is until the acknowledgement.
   */
  tell(peer: string, message: Tell, options: { readonly deadlineMs: number }): Promise<Told>;
  /** Connections to the peer (those being opened included) and requests waiting for one; for `/status`. */
  state(peer: string): { readonly connections: number; readonly waiting: number };
  /** The peer has moved or gone: no further request goes over the connections there are. */
  forget(peer: string): void;
  /** Ends all connections and requests; `ask` rejects with `draining` from now on. */
  close(): void;
}

export interface LinksOptions {
  /** Name of this node; said in the hello. */
  readonly self: string;
  /** Of the topology; read anew for each request. */
  readonly epoch: string;
  /** Where the peer listens, to be tried in order; [] when it is unknown. */
  readonly addresses: (peer: string) => readonly Address[];
  /** Default: none. With a control key, a peer that does not prove that it knows it is given up. */
  readonly credentials?: Credentials;
  /** Hears of connections to a peer that were refused, broke off or fell silent. */
  readonly onLost?: (peer: string) => void;
  /** Counts what peers bring. Default: nobody does. */
  readonly traffic?: Traffic;
  /** Peers of the original protocol, with the eight commands and nothing else. Default: none is. */
  readonly legacy?: (peer: string) => boolean;
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines?: Partial<MeshDeadlines>;
  /** Default LIMITS.linkConnectionsMax. */
  readonly connectionsMax?: number;
  /** Default LIMITS.linkLargeMax, and less than `connectionsMax`. */
  readonly largeMax?: number;
  /** Default LIMITS.linkWaitingMax. */
  readonly waitingMax?: number;
}

const UNCOUNTED: Traffic = { answered() {}, received() {} };

export function makeLinks(options: LinksOptions): Links {
  const { clock, legacy: isLegacy = () => false, traffic = UNCOUNTED } = options;
  const pools = new Map<string, PeerPool>();
  /** Of peers that have moved or gone; until their last connection has closed. */
  const retired = new Set<PeerPool>();
  let closed = false;

  const poolOf = (peer: string): PeerPool => {
    const known = pools.get(peer);
    if (known !== undefined) return known;
    const pool = makePool(peer, options);
    pools.set(peer, pool);
    return pool;
  };

  /** Runs an exchange, made anew for each try, within the time given. */
  const within = <T>(
    peer: string,
    deadlineMs: number,
    begin: (connection: LinkConnection, deadlineAt: number, place: LargePlace) => Promise<T>,
  ): Promise<T> => {
    if (closed) return Promise.reject(new Fault("draining", "the node closes its connections"));
    const deadlineAt = clock.monotonicMs() + deadlineMs;
    const leftMs = (): number => deadlineAt - clock.monotonicMs();
    return poolOf(peer).run(leftMs, (connection, place) => begin(connection, deadlineAt, place));
  };
  const deadlines = meshDeadlines(options.deadlines);

  return {
    ask(peer, request, callOff) {
      const legacy = isLegacy(peer);
      if (legacy && request.role === "local") {
        const told = `${peer} is a legacy node: it is not asked for its disk alone`;
        return Promise.reject(new Fault("not_found", told));
      }
      return within(peer, request.deadlineMs, (connection, deadlineAt, place) => {
        const ask = askOf(request, options.epoch, deadlineAt - clock.monotonicMs());
        const given = { peer, ask, deadlineAt, clock, deadlines, callOff, place, traffic };
        const exchange = legacy ? new LegacyAsk(given) : new AskExchange(given);
        callOff?.hear(() => connection.fail(unwanted()));
        connection.run(exchange);
        return exchange.reply;
      });
    },
    tell(peer, message, { deadlineMs }) {
      return within(peer, deadlineMs, (connection, deadlineAt) => {
        const given = { peer, message, deadlineAt, clock, deadlines };
        const exchange = isLegacy(peer) ? new LegacyTell(given) : new TellExchange(given);
        connection.run(exchange);
        return exchange.told;
      });
    },
    state(peer) {
      const pool = pools.get(peer);
      return { connections: pool?.connections ?? 0, waiting: pool?.waiting ?? 0 };
    },
    forget(peer) {
      const pool = pools.get(peer);
      if (pool === undefined) return;
      pools.delete(peer);
      pool.retire();
      for (const old of retired) if (old.connections === 0) retired.delete(old);
      retired.add(pool);
    },
    close() {
      closed = true;
      for (const pool of [...pools.values(), ...retired]) pool[Symbol.dispose]();
    },
  };
}

/** Peers are names of the topology, so there are never more pools than servers. */
function makePool(peer: string, options: LinksOptions): PeerPool {
  const { self, clock, addresses, counters, log, credentials = NO_CREDENTIALS } = options;
  const deadlines = meshDeadlines(options.deadlines);
  const legacy = options.legacy?.(peer) === true;
  const connectionsMax = options.connectionsMax ?? LIMITS.linkConnectionsMax;
  const greeting = (): DialGreeting | undefined =>
    legacy ? undefined : new DialGreeting({ self, epoch: options.epoch, peer, credentials });
  const onBroken = (fault: Fault): void => {
    counters.add("peer_error");
    if (fault instanceof AuthRefused) counters.add("auth_refused");
    log.info("peer failed", { peer, fault });
    if (fault.code === "peer_failed") options.onLost?.(peer);
  };
  const pool: PeerPool = new PeerPool({
    peer,
    connectionsMax,
    largeMax: Math.min(options.largeMax ?? LIMITS.linkLargeMax, Math.max(1, connectionsMax - 1)),
    waitingMax: options.waitingMax ?? LIMITS.linkWaitingMax,
    backOff: new BackOff({ clock, deadlines, random: options.random ?? Math.random }),
    dial: () =>
      dial(addresses(peer), greeting, {
        peer,
        clock,
        deadlines,
        tls: legacy ? undefined : credentials.tls,
        onFree: (connection) => pool.freed(connection),
        onBroken,
        onClosed: (connection) => pool.closed(connection),
      }).catch((error: unknown) => {
        onBroken(asFault(error));
        throw error;
      }),
  });
  return pool;
}

function unwanted(): Fault {
  return new Fault("peer_failed", "the answer is not wanted any more");
}

function askOf(request: PeerRequest, epoch: string, leftMs: number): Ask {
  const deadlineMs = Math.max(1, Math.min(Math.floor(leftMs), LIMITS.wireMillisecondsMax));
  return { ...request, epoch, deadlineMs };
}
