/** Main's side of tombstones: takes orders, makes them durable, then shows them to all threads. */

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Log } from "../observe/log.ts";
import { SUM } from "./layout.ts";
import { accounted } from "./ledger.ts";
import { mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { openPurged, type Purged } from "./purged.ts";
import { openTombstoneLog, readTombstones, type TombstoneLog } from "./tombstone-log.ts";
import {
  afterOrder,
  isOver,
  type PurgeOrder,
  type PurgeState,
  PurgeStates,
} from "./tombstone-state.ts";
import { PURGE_SLACK_SECONDS, type Stage, TombstoneTable } from "./tombstone-table.ts";
import { addSum, openView } from "./view.ts";

/** The file is replaced when it has this many lines more than ids, beside four lines an id. */
const IDLE_LINES = 512;
const LINES_PER_ID = 4;

export interface Changes {
  /** Name of this node's file; another one means that the reader has to begin anew. */
  readonly log: string;
  /** How far these reach. */
  readonly seq: number;
  readonly states: readonly PurgeState[];
  readonly more: boolean;
}

export interface Tombstones {
  get(id: string): PurgeState | undefined;
  /**
   * The states that the orders changed, by id; they are durable and seen by every thread when it returns, at
   * stage "written" where they purge. Throws a Fault when they cannot be kept; then nothing has changed.
   */
  apply(orders: readonly PurgeOrder[]): ReadonlyMap<string, PurgeState>;
  reached(id: string, stage: Stage): void;
  /** Ids whose slack was not over at the start, so that what was kept meanwhile still has to go. */
  readonly unswept: readonly string[];
  /** Of ids that were purged: how new, in Unix seconds, their variants here are at least; see `Purged.sourceAt`. */
  ages(): Iterable<readonly [id: string, sourceAt: number]>;
  /** Whether variants that are as new as `ages` says are too old for any of the purges. */
  outdates(ages: ReadonlyMap<string, number>): boolean;
  /** Of the last change. */
  readonly seq: number;
  /** What changed after that point of that file, at most `max` ids. */
  since(point: { readonly log: string; readonly seq: number }, max: number): Changes;
}

/** Before any worker runs, with the directory locked. Reads the file, leaves out what is over, mends it. */
export function openTombstones(options: {
  readonly memory: CacheMemory;
  /** The index is of another directory, which is not to account for the file. */
  readonly uncounted?: boolean;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
}): Tombstones {
  const { memory, dir, log, clock } = options;
  const table = new TombstoneTable(memory.tombstones);
  const read = readTombstones(dir);
  const file = openTombstoneLog(dir, read.name);
  const states = new PurgeStates();
  const purged = openPurged(memory, clock);
  const now = clock.wallSeconds();
  for (const state of read.states) {
    if (states.get(state.id) !== undefined || states.makeRoom(now) !== undefined) states.put(state);
  }
  const living = [...states.values()].filter((state) => !isOver(state, now));
  if (read.garbage > 0) {
    const effect = "orders that were not acknowledged are forgotten";
    log.warn("cache.tombstone_garbage", { dir, lines: read.garbage, effect });
  }
  if (read.garbage > 0 || living.length < read.states.length) file.replace(living);
  const isSwept = (state: PurgeState): boolean => state.purgedAt + PURGE_SLACK_SECONDS <= now;
  for (const state of living) show(state, isSwept(state) ? "swept" : "dropped");

  function show(state: PurgeState, stage: Stage): void {
    const { id, purgedAt, blocked } = state;
    table.write(id, { purgedAt, blocked, stage }, clock.wallSeconds());
  }

  /** False when every id there is room for is blocked. */
  function makeRoom(at: number): boolean {
    const gone = states.makeRoom(at);
    for (const old of gone ?? []) show({ ...old, purgedAt: 0, blocked: false }, "swept");
    return gone !== undefined;
  }

  function keep(changed: ReadonlyMap<string, PurgeState>, at: number): void {
    for (const [id, state] of changed) {
      const before = states.get(id);
      if (before === undefined) makeRoom(at);
      const stage = table.look(id, at)?.stage ?? "swept";
      states.put(state);
      show(state, state.purgedAt === before?.purgedAt ? stage : "written");
    }
  }

  return {
    unswept: living.filter((state) => !isSwept(state)).map(({ id }) => id),
    get: (id) => states.get(id),
    apply(orders) {
      const changed = new Map<string, PurgeState>();
      let { seq } = states;
      for (const order of orders) {
        const state = afterOrder(changed.get(order.id) ?? states.get(order.id), order, seq + 1);
        if (state === undefined) continue;
        seq++;
        changed.delete(order.id);
        changed.set(order.id, state);
      }
      if (changed.size === 0) return changed;
      const at = clock.wallSeconds();
      const isNew = [...changed.keys()].some((id) => states.get(id) === undefined);
      if (isNew && !makeRoom(at)) {
        throw new Fault("overloaded", "too many ids are blocked; see mir purge --unblock");
      }
      charged(options, file, () => file.append([...changed.values()]));
      keep(changed, at);
      if (file.appended > IDLE_LINES + states.size * LINES_PER_ID) {
        charged(options, file, () => file.replace(states.values()));
      }
      return changed;
    },
    reached(id, stage) {
      const state = states.get(id);
      if (state !== undefined) show(state, stage);
    },
    ...agesOf(states, purged),
    get seq() {
      return states.seq;
    },
    ...changesOf(states, read.name),
  };
}

/** What others have not heard of yet. */
function changesOf(states: PurgeStates, log: string): Pick<Tombstones, "since"> {
  const changes = (found: readonly PurgeState[], seq: number, more: boolean): Changes => {
    return { log, seq, states: found, more };
  };
  return {
    since(point, max) {
      const after = point.log === log ? point.seq : 0;
      const found: PurgeState[] = [];
      for (const state of states.values()) {
        if (state.seq <= after) continue;
        if (found.length === max) return changes(found, found.at(-1)?.seq ?? after, true);
        found.push(state);
      }
      return changes(found, states.seq, false);
    },
  };
}

/** What checkpoints keep of purges, and what a start makes of that. */
function agesOf(
  states: PurgeStates,
  purged: Pick<Purged, "sourceAt" | "accepts">,
): Pick<Tombstones, "ages" | "outdates"> {
  return {
    *ages() {
      for (const { id } of states.values()) {
        const sourceAt = purged.sourceAt(id);
        if (sourceAt !== undefined) yield [id, sourceAt];
      }
    },
    outdates(ages) {
      for (const { id } of states.values()) if (!purged.accepts(id, ages.get(id))) return true;
      return false;
    },
  };
}

/** Counts what the file grew or shrank by, `.mir` being part of the capacity. */
function charged(
  { memory, clock, uncounted }: Parameters<typeof openTombstones>[0],
  file: TombstoneLog,
  work: () => void,
): void {
  if (uncounted === true) {
    work();
    return;
  }
  const before = accounted(file.bytes);
  try {
    work();
  } finally {
    const grown = accounted(file.bytes) - before;
    const view = openView(memory);
    mustLock({ view, worker: 0, clock });
    addSum(view, SUM.other, grown);
    unlock(view);
  }
}
