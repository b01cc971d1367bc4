/** Purging and blocking, put together on the main thread: an operator's orders, those of peers, and what was missed. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { PurgeOrder } from "../cache/tombstone-state.ts";
import type { Tombstones } from "../cache/tombstones.ts";
import { withdraw } from "../content/custody.ts";
import type { Outbox } from "../content/outbox.ts";
import type { Parts } from "../content/parts.ts";
import { type CatchUpParts, catchUp, pageSince } from "../content/purge-catch-up.ts";
import { openPurgeCursors } from "../content/purge-cursors.ts";
import { makePurgeHere } from "../content/purge-here.ts";
import {
  bothRemoved,
  type OriginReport,
  removeAtOrigin,
  removeOriginals,
} from "../content/purge-origin.ts";
import { type NodeReport, reachAll } from "../content/purge-reach.ts";
import type { Credentials } from "../mesh/credentials.ts";
import { type Links, makeLinks } from "../mesh/link.ts";
import type { PurgeEntry, PurgeTold, ToldAnswer } from "../mesh/tell.ts";
import { serverNamed } from "../topology/topology.ts";

export interface PurgeRequest {
  /** Content ids. */
  readonly ids: readonly string[];
  readonly action: "purge" | "block" | "unblock";
  /** Delete in the store too. */
  readonly origin: boolean;
}

export interface PurgeResult {
  /** Unix seconds. */
  readonly purgedAt: number;
  readonly action: PurgeRequest["action"];
  readonly nodes: readonly NodeReport[];
  readonly origin: OriginReport | undefined;
}

export interface Purges extends AsyncDisposable {
  /** Throws a Fault when not even this node could take the order. */
  order(request: PurgeRequest): Promise<PurgeResult>;
  /** What a peer says. Throws Faults. */
  told(message: PurgeTold): Promise<ToldAnswer>;
  /** Before this node serves: asks others what it missed, for `purgeCatchUpMs` at most. */
  catchUpFirst(): Promise<void>;
  /** Goes on asking now and then. */
  start(): void;
  stop(): Promise<void>;
}

/** A node whose clock is further ahead than this would have pictures refused for that long. */
const AHEAD_SECONDS_MAX = 3_600;

export function makePurges(options: {
  readonly parts: Parts;
  readonly restored: { readonly tombstones: Tombstones };
  readonly outbox: () => Outbox;
  readonly credentials: Credentials;
}): Purges {
  const { parts } = options;
  const { tombstones } = options.restored;
  const { self, clock, log } = parts;
  const quiet = quietLinks(parts, options.credentials);
  const here = makePurgeHere(parts, tombstones, (order) =>
    withdraw({ outbox: options.outbox(), cache: parts.cache }, order),
  );
  const cursors = openPurgeCursors(self.cacheDir, log);
  const asking: CatchUpParts = {
    ...{ parts, links: quiet, tombstones, here, cursors },
    random: Math.random,
  };
  let timer: Timer | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const round = async (): Promise<void> => {
    await catchUp(asking, LIMITS.purgeAskedMax);
    later();
  };
  const later = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = round();
    }, DEADLINES.purgeAskMs);
  };

  const stop = async (): Promise<void> => {
    stopped = true;
    clearTimeout(timer);
    here.close();
    quiet.close();
    await running;
  };

  return {
    async order(request) {
      // first, so that nothing is fetched from it once the purge is over
      const first = request.origin ? await removeOriginals(parts, request.ids) : undefined;
      const entries = entriesOf(request, { tombstones, clock });
      const had = await here.carryOut(ordersIn(entries, clock.wallSeconds()));
      const own = { server: self.name, level: self.level, had, through: undefined };
      const nodes = [{ ...own, fault: undefined }, ...(await reachAll(parts, entries))];
      const origin = first && (await removeAgain(parts, request.ids, { first, nodes }));
      const purgedAt = entries[0]?.purgedAt ?? clock.wallSeconds();
      return { purgedAt, action: request.action, nodes, origin };
    },
    async told(message) {
      if (message.to !== undefined && message.to !== self.name) {
        return passOn(parts, { ...message, to: message.to });
      }
      if (message.since !== undefined) {
        return { note: "changes", detail: pageSince(tombstones, message.since) };
      }
      const originals = message.entries.filter(({ action }) => action === "origin");
      if (originals.length > 0) {
        const ids = originals.map(({ id }) => id);
        return { note: "removed", detail: { removed: await removeAtOrigin(parts, ids) } };
      }
      const had = await here.carryOut(ordersIn(message.entries, clock.wallSeconds()));
      return { note: "purged", detail: { ids: had } };
    },
    async catchUpFirst() {
      const late = Promise.withResolvers<void>();
      const end = setTimeout(late.resolve, DEADLINES.purgeCatchUpMs);
      running = catchUp(asking, LIMITS.purgeAskedFirstMax);
      await Promise.race([running, late.promise]);
      clearTimeout(end);
    },
    start: later,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** For questions that nobody waits for: that a peer is not up yet is no failure, and says nothing of its health. */
function quietLinks(parts: Parts, credentials: Credentials): Links {
  const { clock, log } = parts;
  return makeLinks({
    self: parts.self.name,
    get epoch() {
      return parts.topology.epoch;
    },
    addresses: (peer) => serverNamed(parts.topology, peer).privates,
    credentials,
    clock,
    counters: { add: () => undefined },
    log: { ...log, info: log.debug },
  });
}

function entriesOf(
  { ids, action, origin }: PurgeRequest,
  { tombstones, clock }: { readonly tombstones: Tombstones; readonly clock: Clock },
): PurgeEntry[] {
  // later than what was ordered before, though it be in the same second
  const before = ids.flatMap((id) => tombstones.get(id) ?? []);
  const last = before.map(({ purgedAt, changedAt }) => Math.max(purgedAt, changedAt) + 1);
  const purgedAt = Math.max(clock.wallSeconds(), ...last);
  return ids.flatMap((id) => [
    ...(origin ? [{ id, purgedAt, action: "withdraw" as const }] : []),
    ...(origin && action === "purge" ? [] : [{ id, purgedAt, action }]),
  ]);
}

/** An upload that was taken back may have come to the store just before. */
async function removeAgain(
  parts: Parts,
  ids: readonly string[],
  { first, nodes }: { readonly first: OriginReport; readonly nodes: readonly NodeReport[] },
): Promise<OriginReport> {
  const withdrew = nodes.some((node) => node.had?.some(({ uploads = 0 }) => uploads > 0));
  return withdrew ? bothRemoved(first, await removeOriginals(parts, ids)) : first;
}

/** Throws a Fault for a time that no clock of this mesh should show. */
function ordersIn(entries: readonly PurgeEntry[], now: number): PurgeOrder[] {
  return entries.flatMap(({ id, purgedAt, action }) => {
    if (purgedAt > now + AHEAD_SECONDS_MAX) {
      throw new Fault(
        "bad_request",
        "that purge is of the future: look at the clocks of the nodes",
      );
    }
    return action === "origin" ? [] : [{ id, purgedAt, action }];
  });
}

/** To the node that it is for, and back with its answer; that one passes it on to nobody. */
async function passOn(
  { links, topology }: Parts,
  message: PurgeTold & { readonly to: string },
): Promise<ToldAnswer> {
  const { entries, hops, to } = message;
  const known = topology.levels.some(({ servers }) => servers.some(({ name }) => name === to));
  if (!known) throw new Fault("bad_request", `this node knows no server ${to}`);
  if (hops >= LIMITS.hopsMax) throw new Fault("no_origin", "the order has passed too many nodes");
  const onward = { kind: "purge", entries, hops: hops + 1 } as const;
  const { note, detail } = await links.tell(to, onward, { deadlineMs: DEADLINES.purgeTellMs });
  return { note, detail };
}
