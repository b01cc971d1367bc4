/** A worker thread that uses a cache hard, for tests of several at once; it says what it saw. */

import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../src/base/clock.ts";
import { type Cache, openCache } from "../../src/cache/cache.ts";
import { tryLock, unlock } from "../../src/cache/lock.ts";
import type { CacheMemory } from "../../src/cache/memory.ts";
import { openStore } from "../../src/cache/open-store.ts";
import { applyRecord } from "../../src/cache/replay.ts";
import { openCounters } from "../../src/observe/counters.ts";
import { silentLog } from "../../src/observe/log.ts";
import { metaOf, relnameOfNumber } from "./cache-dir.ts";

export interface StressOrder {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly counters: SharedArrayBuffer;
  readonly worker: number;
  readonly names: number;
  /** Steps to take; 0 is "until terminated". */
  readonly steps: number;
  /** `files`: everything, with real files. `index`: only what happens under the lock, as fast as it goes. */
  readonly mode: "files" | "index";
  /** One word that counts steps. */
  readonly progress: SharedArrayBuffer;
}

export interface StressResult {
  readonly hits: number;
  readonly published: number;
  readonly already: number;
  readonly refused: number;
  readonly noRoom: number;
  readonly forgotten: number;
  readonly vanished: number;
  /** Hits that were not what was published under that name. */
  readonly wrong: number;
}

/** Length of the file every test publishes under a name, so that a mixed-up slot shows. */
export function bytesOfNumber(n: number): number {
  return 1 + ((n * 7919) % 12_000);
}

function makeRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function useFiles(order: StressOrder, cache: Cache): StressResult {
  const random = makeRandom(order.worker);
  const steps = new Int32Array(order.progress);
  const seen = {
    hits: 0,
    published: 0,
    already: 0,
    refused: 0,
    noRoom: 0,
    forgotten: 0,
    vanished: 0,
    wrong: 0,
  };
  for (let step = 0; order.steps === 0 || step < order.steps; step++) {
    Atomics.add(steps, 0, 1);
    const n = Math.floor(random() ** 3 * order.names);
    const wanted = metaOf(relnameOfNumber(n), bytesOfNumber(n));
    const meta = cache.look(wanted.relname);
    if (meta === undefined) {
      seen[fill(cache, wanted)]++;
      continue;
    }
    seen.hits++;
    const { facts } = meta;
    const known =
      facts.width === 0 ? facts.height === 0 : facts.width === n + 1 && facts.height === n + 2;
    if (!known || meta.bytes !== wanted.bytes || meta.validator !== wanted.validator) seen.wrong++;
    const chance = random();
    if (chance < 0.05 && cache.forget(wanted.relname)) seen.forgotten++;
    else if (chance < 0.1)
      cache.learn(wanted.relname, { width: n + 1, height: n + 2, alpha: false, animated: false });
    else if (chance < 0.3) readBack(cache, wanted.relname, seen);
  }
  return seen;
}

function fill(
  cache: Cache,
  meta: ReturnType<typeof metaOf>,
): "published" | "already" | "refused" | "noRoom" {
  using room = cache.reserve(1);
  if (room === undefined || !room.grow(meta.bytes)) return "noRoom";
  const path = cache.tempPath();
  writeFileSync(path, Buffer.alloc(meta.bytes, meta.relname));
  return cache.publish(room, path, meta);
}

function readBack(cache: Cache, relname: string, seen: { vanished: number; wrong: number }): void {
  const head = Buffer.alloc(relname.length);
  try {
    const fd = openSync(cache.pathOf(relname), "r");
    const count = readSync(fd, head);
    closeSync(fd);
    if (head.toString("latin1", 0, count) !== relname.slice(0, count)) seen.wrong++;
  } catch {
    seen.vanished++;
    cache.forget(relname);
  }
}

/** Publishes and forgets as replaying a journal does, under the lock each time. */
function useIndex(order: StressOrder): void {
  const counters = openCounters(order.counters, order.worker);
  const store = openStore({ ...order, counters, log: silentLog, clock: systemClock });
  // a thread that is killed inside a system call goes on for a moment behind it: there are none under the lock
  store.digests.hold();
  const random = makeRandom(order.worker);
  const steps = new Int32Array(order.progress);
  for (let step = 0; order.steps === 0 || step < order.steps; step++) {
    Atomics.add(steps, 0, 1);
    const n = Math.floor(random() * order.names);
    const id = "long-id_".repeat(n % 9) + relnameOfNumber(n).slice(12, 21);
    const relname = `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/md/${id}.jpg`;
    if (!tryLock(store)) continue;
    const { facts: _, ...meta } = metaOf(relname, bytesOfNumber(n));
    const digest = meta.validator;
    const fields = { ...meta, digest, width: 1, height: 1, flags: 0, queue: n % 2, freq: 0 };
    applyRecord(store, random() < 0.6 ? { kind: "publish", fields } : { kind: "forget", relname });
    unlock(store.view);
  }
}

if (parentPort !== null) {
  const order: StressOrder = workerData;
  if (order.mode === "index") useIndex(order);
  else {
    const counters = openCounters(order.counters, order.worker);
    const cache = openCache({ ...order, counters, log: silentLog, clock: systemClock });
    const result = useFiles(order, cache);
    cache.close();
    parentPort.postMessage(result);
  }
}
