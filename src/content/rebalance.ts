/** Moves what lies here and belongs to others to its owners, in the background, until nothing is left (spec §4). */

import { DEADLINES } from "../base/deadlines.ts";
import type { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { EpochState } from "./epoch-file.ts";
import { belongsTo, type MoveParts, moveVariant } from "./move.ts";
import type { Parts } from "./parts.ts";
import { type Later, makeThrottle, startTimer, type Throttle } from "./throttle.ts";

export interface RebalanceStatus {
  /** `waiting`: something could not be moved and is tried again by itself. */
  readonly state: "idle" | "counting" | "moving" | "waiting";
  /** Unix seconds at which this node first had the topology it has. */
  readonly since: number;
  /** Nothing that others own was left here when it was last looked over. */
  readonly settled: boolean;
  /** Since then, over restarts: variants moved away, and their bytes. */
  readonly moved: number;
  readonly movedBytes: number;
  /** Of the pass under way, or the last one: still to be moved, with what could not be, and that alone. */
  readonly left: number;
  readonly leftBytes: number;
  readonly failed: number;
  /** Why, of the last one that could not be. */
  readonly fault: string | undefined;
  /** Passes over the whole cache that ended, since the node started. */
  readonly passes: number;
}

export interface Rebalancer {
  /** Begins a pass at once; one that is under way is followed by another. */
  start(): void;
  /** Another topology: what belonged here may be another's now. */
  follow(state: EpochState): void;
  status(): RebalanceStatus;
  /** Begins no further move; resolves when those under way have ended, which closing the links hastens. */
  stop(): Promise<void>;
}

export type RebalanceParts = MoveParts & Pick<Parts, "counters" | "log">;

export interface RebalancerOptions {
  /** Of the topology of now, whenever they are read. */
  readonly parts: RebalanceParts;
  readonly state: EpochState;
  /** Copies that this node keeps for their owners: they only go when it drains. */
  readonly isReplica?: (relname: string) => boolean;
  /** Makes a state durable. */
  readonly save: (state: EpochState) => void;
  readonly later?: Later;
}

interface Job {
  readonly meta: VariantMeta;
  readonly owner: string;
}

/** Begins by itself when the state says that there may be something to move, or the node drains. */
export function makeRebalancer(options: RebalancerOptions): Rebalancer {
  return new Mover(options);
}

/**
 * What has been moved is gone from here, so a restart needs no cursor: the next pass meets what is left, and the
 * numbers go on from the saved state. A crash loses at most the count of a second.
 */
class Mover implements Rebalancer {
  readonly #options: RebalancerOptions;
  readonly #later: Later;
  readonly #throttle: Throttle;
  #kept: EpochState;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  #phase: RebalanceStatus["state"] = "idle";
  #left = 0;
  #leftBytes = 0;
  #failed = 0;
  /** Refused for want of room: asking again would not help. */
  #refused = 0;
  #fault: Fault | undefined;
  #passes = 0;
  /** Owners that could not be told, until when they are left alone. */
  readonly #resting = new Map<string, number>();
  #failingPasses = 0;
  #saidEmpty = false;
  #anew = false;
  #forgetWait: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: RebalancerOptions) {
    const { later = startTimer, parts } = options;
    const bytesPerSecond = (): number => parts.topology.rebalance.bytesPerSecond;
    this.#options = options;
    this.#later = later;
    this.#kept = options.state;
    this.#throttle = makeThrottle({ bytesPerSecond, clock: parts.clock, later });
    this.#startIfNeeded();
  }

  start(): void {
    if (this.#stopped) return;
    // what the pass under way has looked at it will not look at again
    this.#anew = this.#running !== undefined;
    if (this.#anew) return;
    this.#forgetWait?.();
    this.#forgetWait = undefined;
    this.#running = this.#passAgain().finally(() => {
      this.#running = undefined;
    });
  }

  follow(state: EpochState): void {
    this.#kept = state;
    this.#failingPasses = 0;
    this.#saidEmpty = false;
    this.#startIfNeeded();
  }

  status(): RebalanceStatus {
    const { since, settled, moved, movedBytes } = this.#kept;
    return {
      state: this.#phase,
      since,
      settled,
      moved,
      movedBytes,
      left: this.#left,
      leftBytes: this.#leftBytes,
      failed: this.#failed + this.#refused,
      fault: this.#fault?.message,
      passes: this.#passes,
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#forgetWait?.();
    this.#throttle.open();
    await this.#running;
  }

  #startIfNeeded(): void {
    if (!this.#kept.settled || this.#options.parts.self.draining) this.start();
  }

  async #passAgain(): Promise<void> {
    do {
      this.#anew = false;
      await this.#pass();
    } while (this.#anew && !this.#stopped);
  }

  async #pass(): Promise<void> {
    const { log } = this.#options.parts;
    try {
      await this.#count();
      this.#phase = "moving";
      const jobs = this.#jobs();
      const mover = async (): Promise<void> => {
        for await (const job of jobs) await this.#move(job);
      };
      await Promise.all(Array.from({ length: LIMITS.rebalanceAtOnce }, mover));
      if (!this.#stopped) this.#end();
    } catch (error) {
      this.#failed++;
      log.error("rebalance.pass_failed", { error });
      this.#again();
    } finally {
      this.#save();
    }
  }

  async #count(): Promise<void> {
    this.#phase = "counting";
    this.#left = this.#leftBytes = this.#failed = this.#refused = 0;
    this.#fault = undefined;
    this.#resting.clear();
    for await (const { meta } of this.#jobs()) {
      this.#left++;
      this.#leftBytes += meta.bytes;
    }
    const { left, leftBytes } = this.status();
    if (left > 0) this.#options.parts.log.info("rebalance.moving", { left, leftBytes });
  }

  /** What belongs to others; a pinned upload stays until the next hop vouches for it. */
  async *#jobs(): AsyncGenerator<Job, void> {
    const { parts } = this.#options;
    const pinned = new Set(parts.cache.pinned());
    let from: number | undefined = 0;
    while (from !== undefined && !this.#stopped) {
      const listed: ReturnType<typeof parts.cache.list> = parts.cache.list(
        from,
        LIMITS.rebalanceSlotsMax,
      );
      for (const meta of listed.metas) {
        const owner = pinned.has(meta.relname) ? undefined : this.#otherOwner(meta.relname);
        if (owner !== undefined && !this.#stopped) yield { meta, owner };
      }
      from = listed.next;
      // requests of this thread come in between
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #otherOwner(relname: string): string | undefined {
    const { parts, isReplica } = this.#options;
    if (!parts.self.draining && isReplica?.(relname) === true) return undefined;
    return belongsTo(parts, relname);
  }

  async #move({ meta, owner }: Job): Promise<void> {
    const { parts } = this.#options;
    if ((this.#resting.get(owner) ?? 0) > parts.clock.monotonicMs()) {
      this.#failed++;
      return;
    }
    if (!(await this.#throttle.take(meta.bytes)) || this.#stopped) return;
    const moved = await moveVariant(parts, meta, owner);
    if (moved.kind === "failed") {
      this.#note(owner, meta, moved.fault);
      return;
    }
    this.#left = Math.max(0, this.#left - 1);
    this.#leftBytes = Math.max(0, this.#leftBytes - meta.bytes);
    if (moved.kind === "gone") return;
    const { moved: before, movedBytes } = this.#kept;
    this.#kept = { ...this.#kept, moved: before + 1, movedBytes: movedBytes + meta.bytes };
    parts.counters.add("rebalance_moved");
    if (parts.clock.monotonicMs() - this.#savedAtMs >= DEADLINES.rebalanceSaveMs) this.#save();
  }

  #note(owner: string, meta: VariantMeta, fault: Fault): void {
    if (this.#stopped) return;
    const { clock, log } = this.#options.parts;
    this.#fault = fault;
    if (fault.code === "disk_full") {
      this.#refused++;
      return;
    }
    this.#failed++;
    if (!this.#resting.has(owner)) {
      log.warn("rebalance.owner_failed", { owner, relname: meta.relname, fault });
    }
    this.#resting.set(owner, clock.monotonicMs() + DEADLINES.rebalanceRestMs);
  }

  #end(): void {
    const { cache, log, self } = this.#options.parts;
    this.#passes++;
    if (this.#failed + this.#refused === 0) this.#left = this.#leftBytes = 0;
    if (this.#anew) return;
    const { variants } = cache.usage();
    const { moved, movedBytes, failed } = this.status();
    if (this.#failed > 0) {
      this.#again();
      return;
    }
    this.#failingPasses = 0;
    if (!this.#kept.settled) log.info("rebalance.done", { moved, movedBytes, failed });
    this.#kept = { ...this.#kept, settled: true };
    this.#phase = "idle";
    if (!self.draining) return;
    // what is pinned can be moved later, and what is kept while all others are down must be
    if (variants > 0) this.#phase = "waiting";
    else if (!this.#saidEmpty) log.info("drained empty", { moved, movedBytes });
    this.#saidEmpty = variants === 0;
    this.#startIn(DEADLINES.rebalanceAgainMs);
  }

  /** Later each time: a server that is away is waited for, not hammered. */
  #again(): void {
    this.#phase = "waiting";
    const doubled = DEADLINES.rebalanceAgainFirstMs * 2 ** Math.min(20, this.#failingPasses++);
    this.#startIn(Math.min(DEADLINES.rebalanceAgainMs, doubled));
  }

  #startIn(waitMs: number): void {
    if (this.#stopped) return;
    this.#forgetWait = this.#later(() => this.start(), waitMs);
  }

  #save(): void {
    const { parts, save } = this.#options;
    this.#savedAtMs = parts.clock.monotonicMs();
    try {
      save(this.#kept);
    } catch (error) {
      parts.log.error("rebalance.state_not_saved", {
        error,
        effect: "after a restart all content is looked over again",
      });
    }
  }
}
