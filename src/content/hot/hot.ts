/** One thread's part in hot content: what it counts, what it knows of copies and loads, what it tells others (spec §7). */

import type { Clock } from "../../base/clock.ts";
import { DEADLINES } from "../../base/deadlines.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseRelname } from "../../base/variant.ts";
import type { PeerReply } from "../../mesh/peer.ts";
import type { BusyGauge } from "./busy.ts";
import { Demand, type HeatReport } from "./demand.ts";
import { KnownHolders } from "./known-holders.ts";
import type { Load } from "./load.ts";

/** What main tells its threads each DEADLINES.hotTickMs. */
export interface HotNews {
  /** Answers of this node a second. */
  readonly rate: number;
  /** Who has copies of what this node owns; absent: as before. */
  readonly copies?: readonly (readonly [relname: string, servers: readonly string[]])[];
}

/** The node's hot-item tracker and its list of copies, wherever they are called from. */
export interface HeatService {
  report(report: HeatReport): void;
  /** Whether this node may keep a copy of a variant that another one owns. */
  admit(relname: string, bytes: number): Promise<boolean>;
  /** The ids were purged. */
  forget?(ids: ReadonlySet<string>): void;
}

export interface Hot {
  /** An access: of this node's own clients, or asked by a server of its level, or told by one that has a copy. */
  asked(relname: string, count?: number): void;
  /** The same, of what a copy at a peer has served. */
  served(peer: string, relname: string, count: number): void;
  /** What this thread has heard of copies and loads, for choosing whom to ask. */
  readonly known: KnownHolders;
  /** An answer of another server of the level: its load, and when it is the owner's, who else has the variant. */
  heard(peer: string, reply: PeerReply, isOwner: boolean): void;
  /** What is told with an answer: who else has the variant, some of them when there are many, and this node's load. */
  told(relname: string, asker: string): { readonly held?: readonly string[]; readonly load: Load };
  /** Of this node. */
  load(): Load;
  readonly busy: BusyGauge;
  readonly admit: HeatService["admit"];
  follow(news: HotNews): void;
  forget(ids: ReadonlySet<string>): void;
  close(): void;
}

/** `start` arms the next report and gives back how to disarm it. */
type Start = (run: () => void, waitMs: number) => () => void;

export function makeHot(options: {
  readonly service: HeatService;
  readonly busy: BusyGauge;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly start?: Start;
}): Hot {
  const { service, busy, clock, random = Math.random, start = startTimer } = options;
  const demand = new Demand();
  const known = new KnownHolders(clock, random);
  let copies = new Map<string, readonly string[]>();
  let rate = 0;
  let disarm: (() => void) | undefined;

  const report = (): void => {
    disarm = undefined;
    service.report({ ...demand.take(), loads: known.loads() });
  };
  const count = (relname: string, by: number): void => {
    demand.add(relname, by);
    disarm ??= start(report, DEADLINES.hotReportMs);
  };

  const load = (): Load => ({ rate: Math.round(rate), busy: busy.total() });

  return {
    known,
    busy,
    admit: (relname, bytes) => service.admit(relname, bytes),
    asked: (relname, by = 1) => count(relname, by),
    served(peer, relname, by) {
      count(relname, by);
      if (copies.has(relname)) demand.alive(relname, peer);
    },
    load,
    heard(peer, { meta, held, load: told, standIn }, isOwner) {
      if (told !== undefined) known.hear(peer, told);
      if (isOwner && standIn !== true) known.learn(meta.relname, held);
    },
    told(relname, asker) {
      const others = copies.get(relname)?.filter((server) => server !== asker);
      if (others === undefined || others.length === 0) return { load: load() };
      return { held: someOf(others, random), load: load() };
    },
    follow(news) {
      ({ rate } = news);
      if (news.copies !== undefined) copies = new Map(news.copies);
    },
    forget(ids) {
      known.forget(ids);
      for (const relname of copies.keys()) {
        if (ids.has(parseRelname(relname)?.id ?? "")) copies.delete(relname);
      }
      service.forget?.(ids);
    },
    close() {
      disarm?.();
      disarm = undefined;
    },
  };
}

/** A different stretch of a long list each time, so that askers differ in whom they know. */
function someOf(names: readonly string[], random: () => number): readonly string[] {
  if (names.length <= LIMITS.wireHeldMax) return names;
  const from = Math.floor(random() * names.length);
  return [...names.slice(from), ...names.slice(0, from)].slice(0, LIMITS.wireHeldMax);
}

function startTimer(run: () => void, waitMs: number): () => void {
  const timer = setTimeout(run, waitMs);
  timer.unref();
  return () => clearTimeout(timer);
}
