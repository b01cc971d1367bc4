/**
 * The index of a million variants after a stop: how long a start reads before it serves, after a clean stop and after a
 * crash, and what a variant takes. `MIR_VARIANTS=N` for another number; the files themselves are not needed for it.
 */

import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { parseRelname, UNKNOWN_FACTS } from "../../src/base/variant.ts";
import { checkIndex } from "../../src/cache/check.ts";
import { saveCache } from "../../src/cache/checkpoint.ts";
import { journalNumbers, journalPath, publishRecord } from "../../src/cache/journal.ts";
import { LOAD_MAX } from "../../src/cache/layout.ts";
import { type CacheMemory, createCacheMemory } from "../../src/cache/memory.ts";
import { packMeta } from "../../src/cache/meta.ts";
import { NO_COUNTERS, openStore } from "../../src/cache/open-store.ts";
import { applyRecord } from "../../src/cache/replay.ts";
import { type Restored, restoreCache } from "../../src/cache/restore.ts";
import { silentLog } from "../../src/observe/log.ts";

const VARIANTS = Number(process.env["MIR_VARIANTS"] ?? 1_000_000);
/** Since the checkpoint: as many as a journal may have before the next one is due. */
const SINCE = Math.floor(VARIANTS / 24);
const ROUNDS = 5;
const SIZES = ["orig", "xs", "sm", "md", "lg", "xl"];

for (const chars of [10, 32]) run(chars);

function run(chars: number): void {
  const dir = mkdtempSync(join(tmpdir(), "mir-restore-"));
  try {
    const first = start(dir);
    fill(first.memory, dir, chars);
    save(first, dir);
    const clean = rounds(() => {
      const again = start(dir);
      save(again, dir);
      return again.cost;
    });
    const unclean = rounds(() => {
      const crashed = start(dir);
      const number = journalNumbers(dir).at(-1) ?? 0;
      appendFileSync(journalPath(dir, number), records(chars));
      crashed.restored[Symbol.dispose]();
      const again = start(dir);
      save(again, dir);
      return again.cost;
    });
    const last = start(dir);
    const errors = checkIndex(last.memory).filter((error) => !error.includes("exceed"));
    const bytes = memoryBytes(last.memory);
    print(`ids of ${chars} characters, ${last.restored.variants} variants`);
    print(`  after a clean stop     ${told(clean)}`);
    print(`  after a crash          ${told(unclean)}, ${SINCE} records since the checkpoint`);
    print(`  shared memory          ${(bytes / VARIANTS).toFixed(1)} bytes a variant`);
    const checkpoint = statSync(join(dir, ".mir/checkpoint")).size;
    print(`  checkpoint             ${(checkpoint / VARIANTS).toFixed(1)} bytes a variant on disk`);
    if (errors.length > 0) print(`  WRONG: ${errors.join("; ")}`);
    last.restored[Symbol.dispose]();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Started {
  readonly memory: CacheMemory;
  readonly restored: Restored;
  readonly cost: Cost;
}

interface Cost {
  readonly ms: number;
  /** User and system, all threads: what is left of it on a busy machine. */
  readonly cpuMs: number;
}

function start(dir: string): Started {
  Bun.gc(true);
  const slots = Math.ceil((VARIANTS * 1.1) / LOAD_MAX);
  const memory = createCacheMemory({ capacityBytes: 2 ** 50, slots, sizes: SIZES });
  const before = process.cpuUsage();
  const startMs = performance.now();
  const restored = restoreCache({
    ...{ memory, dir, log: silentLog, clock: systemClock },
    indexLoadMs: Number.POSITIVE_INFINITY,
  });
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  return { memory, restored, cost: { ms, cpuMs: (user + system) / 1000 } };
}

function save({ memory, restored }: Started, dir: string): void {
  const { tombstones } = restored;
  saveCache({ memory, dir, log: silentLog, clock: systemClock, tombstones });
  restored[Symbol.dispose]();
}

function fieldsOf(n: number, chars: number) {
  const id = `p${n.toString(36)}`.padEnd(chars, "-picture_of_some_length_in_a_cache");
  const relname = `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/md/${id}.jpg`;
  if (parseRelname(relname) === undefined) throw new Error(`not a relname: ${relname}`);
  const validator = n.toString(16).padStart(16, "0");
  const meta = { relname, bytes: 48_000, validator, modified: 1_700_000_000, lossySteps: 1 };
  const packed = packMeta({ ...meta, facts: UNKNOWN_FACTS });
  if (typeof packed === "string") throw new Error(packed);
  return { ...packed.content, relname, validator, digest: validator, queue: n % 2, freq: n % 4 };
}

function fill(memory: CacheMemory, dir: string, chars: number): void {
  const parts = { counters: NO_COUNTERS, log: silentLog, clock: systemClock };
  const store = openStore({ memory, dir, worker: 0, ...parts });
  for (let n = 0; n < VARIANTS; n++) {
    applyRecord(store, { kind: "publish", fields: fieldsOf(n, chars) });
  }
  store.close();
}

function records(chars: number): string {
  const texts: string[] = [];
  for (let n = 0; n < SINCE; n++) texts.push(publishRecord(fieldsOf(n * 11, chars)));
  return texts.join("");
}

function memoryBytes({ head, slotRegions, cellRegions, ghostRegions }: CacheMemory): number {
  const all = [head, ...slotRegions, ...cellRegions, ...ghostRegions];
  return all.reduce((total, { byteLength }) => total + byteLength, 0) / 1.1;
}

function told(costs: readonly Cost[]): string {
  const ms = costs.map((cost) => Math.round(cost.ms)).join(" ");
  const middle = median(costs.map((cost) => cost.ms));
  return `${ms} ms, median ${middle} (CPU ${median(costs.map((cost) => cost.cpuMs))})`;
}

function rounds(work: () => Cost): Cost[] {
  return Array.from({ length: ROUNDS }, work);
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
