/** The node's background task for hot content: finds what is hot, has it copied to further ranks, forgets what cools. */

import { DEADLINES } from "../../base/deadlines.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseRelname } from "../../base/variant.ts";
import type { Parts } from "../parts.ts";
import { Copies } from "./copies.ts";
import type { HeatReport } from "./demand.ts";
import { groupOf } from "./group.ts";
import { copyOrder, degreeOf, thresholdOf } from "./heat.ts";
import type { HeatService, HotNews } from "./hot.ts";
import type { Load } from "./load.ts";
import { Meter, type Totals } from "./meter.ts";
import { Replicas } from "./replicas.ts";
import { type HotItem, HotTracker, itemRate } from "./tracker.ts";
import { type Copying, Warmer } from "./warmer.ts";

export interface HotStatus {
  /** A score from which an id is copied. */
  readonly threshold: number;
  readonly requestsPerMinute: number;
  /** The hottest, by score. */
  readonly items: readonly HotShown[];
  /** Ids tracked, and copies of this node's own content known to be at others. */
  readonly tracked: number;
  readonly copies: number;
  /** What this node keeps for owners. */
  readonly replicas: { readonly count: number; readonly bytes: number; readonly roomBytes: number };
}

export interface HotShown {
  readonly id: string;
  readonly owner: string;
  readonly score: number;
  /** Accesses a second, as this node sees them. */
  readonly rate: number;
  /** Servers that should have it, the owner among them; 1 when it is another's. */
  readonly degree: number;
  /** Servers that have some variant of it beside the owner, as far as this node is the owner. */
  readonly holders: readonly string[];
}

export interface HotAbout {
  readonly threshold: number;
  /** undefined: nobody has asked for it of late. */
  readonly shown: HotShown | undefined;
}

type KeeperParts = Pick<
  Parts,
  "self" | "topology" | "ownership" | "cache" | "links" | "health" | "counters" | "log" | "clock"
>;

export interface KeeperOptions {
  /** Of the topology of now, whenever they are read. */
  readonly parts: KeeperParts;
  readonly totals: () => Totals;
  /** Tells every thread. */
  readonly publish: (news: HotNews) => void;
}

/** Half of the threshold cools an item: it does not flicker around it. */
const COOL_SHARE = 0.5;
/** With less an item was not asked for in the last few seconds. */
const FLASH_LEAST = 0.5;
/** Variants with less than this part of their id's score are not copied. */
const VARIANT_SHARE = 1 / 16;
/** A copy is dropped after this part of the half-life without a hit. */
const IDLE_SHARE = 0.2;
/** Answers a second of a level below which no server is busy: a few accesses are no large part of them. */
const QUIET_RATE = 10;
/** Ranks looked at beside those that are wanted: servers of the original protocol get no copies. */
const SPARE_RANKS = 8;
/** The whole table goes to the threads each so many ticks, for one that has started since. */
const TABLE_TICKS = 10;

export class HotKeeper implements HeatService {
  readonly #options: KeeperOptions;
  readonly #tracker = new HotTracker();
  /** From the start on, so that the first requests are not taken for all there are. */
  readonly #meter = new Meter();
  readonly #copies = new Copies();
  readonly #replicas: Replicas;
  readonly #warmer: Warmer;
  readonly #loads = new Map<string, { readonly load: Load; readonly atMs: number }>();
  #published = -1;
  #ticks = 0;
  #timer: Timer | undefined;

  constructor(options: KeeperOptions) {
    const { parts } = options;
    this.#options = options;
    this.#replicas = new Replicas({
      roomBytes: () => parts.cache.usage().limitBytes * parts.topology.hot.replicaShare,
      idleMs: () => this.#idleMs,
      has: (relname) => parts.cache.peek(relname) !== undefined,
      owns: (relname) => this.#owner(parseRelname(relname)?.id ?? "") === parts.self.name,
      drop: (relname) => void parts.cache.forget(relname),
    });
    this.#meter.read(options.totals(), parts.clock.monotonicMs());
    this.#warmer = new Warmer(parts, (relname, server) => {
      this.#copies.add(relname, server, parts.clock.monotonicMs());
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), DEADLINES.hotTickMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#warmer.stop();
  }

  report({ asked, alive, loads }: HeatReport): void {
    const time = this.#time;
    for (const [relname, count] of asked) {
      this.#replicas.use(relname, time.nowMs);
      const id = parseRelname(relname)?.id;
      if (id !== undefined) this.#tracker.add({ id, relname, count }, time);
    }
    for (const [relname, server] of alive) this.#copies.hear(relname, server, time.nowMs);
    for (const [peer, load] of loads) this.#loads.set(peer, { load, atMs: time.nowMs });
  }

  async admit(relname: string, bytes: number): Promise<boolean> {
    return this.#replicas.admit(relname, bytes, this.#time.nowMs);
  }

  /** Whether this node keeps it for its owner. */
  isReplica(relname: string): boolean {
    return this.#replicas.has(relname);
  }

  forget(ids: ReadonlySet<string>): void {
    for (const id of ids) this.#tracker.forget(id);
    for (const [relname] of this.#copies.table()) {
      if (ids.has(parseRelname(relname)?.id ?? "")) this.#copies.forget(relname);
    }
  }

  tick(): void {
    const { parts, totals } = this.#options;
    const time = this.#time;
    this.#meter.read(totals(), time.nowMs);
    this.#tracker.prune(time);
    parts.counters.add("replica_dropped", this.#replicas.sweep(time.nowMs));
    for (const { relname, server } of this.#copies.expire(time.nowMs - this.#idleMs)) {
      this.#warmer.rest(relname, server, this.#idleMs);
    }
    this.#warmer.plan(this.#wanted());
    this.#publish();
  }

  status(): HotStatus {
    const { parts } = this.#options;
    const byScore = [...this.#tracker.items()].sort((a, b) => b.score - a.score);
    const { count, bytes } = this.#replicas;
    const roomBytes = Math.floor(parts.cache.usage().limitBytes * parts.topology.hot.replicaShare);
    return {
      threshold: rounded(this.#threshold),
      requestsPerMinute: Math.round(this.#meter.requestsPerMinute),
      items: byScore.slice(0, LIMITS.hotShownMax).map((item) => this.#shown(item)),
      tracked: this.#tracker.size,
      copies: this.#copies.count,
      replicas: { count, bytes, roomBytes },
    };
  }

  /** Of one id, as far as it is tracked. */
  about(id: string): HotAbout {
    const item = this.#tracker.get(id);
    return {
      threshold: rounded(this.#threshold),
      shown: item && this.#shown(item),
    };
  }

  get #time(): { readonly nowMs: number; readonly halfLifeMs: number } {
    const { clock, topology } = this.#options.parts;
    return { nowMs: clock.monotonicMs(), halfLifeMs: topology.hot.halfLifeMs };
  }

  get #idleMs(): number {
    const { halfLifeMs } = this.#time;
    return Math.max(DEADLINES.replicaIdleLeastMs, halfLifeMs * IDLE_SHARE);
  }

  get #threshold(): number {
    return thresholdOf(this.#meter.requestsPerMinute);
  }

  #owner(id: string): string | undefined {
    const { ownership, self } = this.#options.parts;
    return ownership.topRanks(self.level, self.region, id)[0];
  }

  /** Copies that should be and are not, of the hottest id first; forgets those of what has cooled. */
  #wanted(): Copying[] {
    const { topology, self } = this.#options.parts;
    const servers = groupOf(this.#options.parts).size;
    const wanted: Copying[] = [];
    const mine = [...this.#tracker.items()].filter(({ id }) => this.#owner(id) === self.name);
    for (const item of mine.sort((a, b) => b.score - a.score)) {
      if (item.score < this.#threshold * COOL_SHARE) {
        for (const relname of item.variants.keys()) this.#copies.forget(relname);
      }
      // a copy that nobody asks for would be dropped again at once
      const isAsked = item.flash >= FLASH_LEAST && item.score >= this.#threshold;
      if (!isAsked || !topology.hot.replicate) continue;
      if (wanted.length < LIMITS.warmNamesMax) wanted.push(...this.#copiesOf(item, servers));
    }
    return wanted;
  }

  #copiesOf(item: HotItem, servers: number): Copying[] {
    const copies = this.#degree(item, servers) - 1;
    const lacking = [...item.variants]
      .filter(([_, score]) => score >= item.score * VARIANT_SHARE)
      .map(([relname]) => relname)
      .filter((relname) => this.#copies.of(relname).length < copies)
      .filter((relname) => this.#options.parts.cache.peek(relname) !== undefined);
    // ranking a large level takes longer than all of this
    if (lacking.length === 0) return [];
    const targets = this.#targets(item.id, copies);
    return lacking.flatMap((relname) =>
      targets
        .filter((server) => !this.#copies.has(relname, server))
        .map((server) => ({ relname, server })),
    );
  }

  #targets(id: string, copies: number): readonly string[] {
    const { ownership, self, topology } = this.#options.parts;
    const { algorithm } = topology.routing;
    const group = groupOf(this.#options.parts);
    // outwards from the owner is from both ends of the ranking
    const ranksMax = algorithm === "rendezvous" ? copies + SPARE_RANKS : undefined;
    const ranks = ownership.rank(self.level, self.region, id, ranksMax);
    return copyOrder(algorithm, ranks)
      .filter((name) => {
        const server = group.get(name);
        return server?.draining === false && !server.legacy;
      })
      .slice(0, copies);
  }

  /** At least one copy of what is above the threshold. */
  #degree(item: HotItem, servers: number): number {
    const share = itemRate(item, this.#time.halfLifeMs) / this.#levelRate();
    return Math.min(servers, Math.max(2, degreeOf(Math.min(1, share), servers)));
  }

  /** Answers a second of the level; of a server that was not heard of lately nothing is asked. */
  #levelRate(): number {
    let rate = this.#meter.answersPerSecond;
    const { nowMs } = this.#time;
    for (const [peer, { load, atMs }] of this.#loads) {
      if (nowMs - atMs < DEADLINES.hotLoadMs) rate += load.rate;
      else this.#loads.delete(peer);
    }
    return Math.max(QUIET_RATE, rate);
  }

  #publish(): void {
    const { changes } = this.#copies;
    const rate = this.#meter.answersPerSecond;
    const whole = changes !== this.#published || this.#ticks++ % TABLE_TICKS === 0;
    this.#published = changes;
    this.#options.publish(whole ? { rate, copies: this.#copies.table() } : { rate });
  }

  #shown(item: HotItem): HotShown {
    const { self } = this.#options.parts;
    const owner = this.#owner(item.id) ?? self.name;
    const servers = groupOf(this.#options.parts).size;
    const mine = owner === self.name && item.score >= this.#threshold;
    const holders = [...item.variants.keys()].flatMap((relname) => this.#copies.of(relname));
    return {
      id: item.id,
      owner,
      score: rounded(item.score),
      rate: rounded(itemRate(item, this.#time.halfLifeMs)),
      degree: mine ? this.#degree(item, servers) : 1,
      holders: [...new Set(holders)].slice(0, LIMITS.wireHeldMax),
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
