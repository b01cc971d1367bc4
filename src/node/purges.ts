/** Purging and blocking, put together on the main thread: an operator's orders, those of peers, and what was missed. */

import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { PurgeOrder } from "../cache/tombstone-state.ts";
import type { Tombstones } from "../cache/tombstones.ts";
import type { Parts } from "../content/parts.ts";
import { type CatchUpParts, catchUp, pageSince } from "../content/purge-catch-up.ts";
import { openPurgeCursors } from "../content/purge-cursors.ts";
import { makePurgeHere } from "../content/purge-here.ts";
import { type OriginReport, removeAtOrigin, removeOriginals } from "../content/purge-origin.ts";
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
  readonly credentials: Credentials;
}): Purges {
  const { parts } = options;
  const { tombstones } = options.restored;
  const { self, clock, log } = parts;
  const quiet = quietLinks(parts, options.credentials);
  const here = makePurgeHere(parts, tombstones);
  const cursors = openPurgeCursors(self.cacheDir, log);
  const asking: CatchUpParts = {
    ...{ parts, links: quiet, tombstones, here, cursors },
    random: Math.random,
  };
  let timer: Timer | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const entriesOf = ({ ids, action }: PurgeRequest): PurgeEntry[] => {
    // later than what was ordered before, though it be in the same second
    const before = ids.flatMap((id) => tombstones.get(id) ?? []);
    const last = before.map(({ purgedAt, changedAt }) => Math.max(purgedAt, changedAt) + 1);
    const purgedAt = Math.max(clock.wallSeconds(), ...last);
    return ids.map((id) => ({ id, purgedAt, action }));
  };

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
      const origin = request.origin ? await removeOriginals(parts, request.ids) : undefined;
      const entries = entriesOf(request);
      const had = await here.carryOut(ordersIn(entries, clock.wallSeconds()));
      const own = { server: self.name, level: self.level, had };
      const others = await reachAll(parts, entries);
      const nodes = [{ ...own, through: undefined, fault: undefined }, ...others];
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
