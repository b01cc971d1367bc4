/** A process that takes uploads in and hands them on as a node does, until it is killed; it prints what it acknowledged. */

import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { openCache } from "../../src/cache/cache.ts";
import { createCacheMemory } from "../../src/cache/memory.ts";
import { restoreCache } from "../../src/cache/restore.ts";
import { deliverToOrigin } from "../../src/content/deliver.ts";
import { type Outbox, openOutbox } from "../../src/content/outbox.ts";
import { runOutbox } from "../../src/content/run-outbox.ts";
import { createCounterMemory, openCounters } from "../../src/observe/counters.ts";
import { silentLog } from "../../src/observe/log.ts";
import { openOrigins } from "../../src/origin/origin.ts";
import type { OriginSpec } from "../../src/topology/topology.ts";
import { putBytes, relnameOfNumber, SIZES } from "./cache-dir.ts";
import { recordOf, uploadBytes } from "./outbox-files.ts";

/** Moments at which the process kills itself; `never` leaves that to others. */
export const STEPS = [
  "written",
  "published",
  "added",
  "acknowledged",
  "sent",
  "unpinned",
  "never",
] as const;
export type Step = (typeof STEPS)[number];

export interface UploaderOrder {
  readonly dir: string;
  readonly origin: OriginSpec;
  readonly secrets: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** The number of the first upload. */
  readonly first: number;
  readonly dieAt: Step;
  /** How often the step is passed before. */
  readonly dieAfter: number;
}

export const UPLOADER_CAPACITY_BYTES = 4 << 20;

if (import.meta.main) await run(JSON.parse(process.argv[2] ?? "{}"));

async function run(order: UploaderOrder): Promise<void> {
  const { dir, secrets } = order;
  let left = order.dieAfter;
  const passed = (step: Step): void => {
    if (step === order.dieAt && left-- <= 0) process.kill(process.pid, "SIGKILL");
  };
  const capacityBytes = UPLOADER_CAPACITY_BYTES;
  const memory = createCacheMemory({ capacityBytes, slots: 2048, sizes: SIZES });
  const watched = {
    counters: openCounters(createCounterMemory(1), 0),
    log: silentLog,
    clock: systemClock,
  };
  let outbox: Outbox | undefined;
  restoreCache({
    ...{ memory, dir, ...watched },
    pinned() {
      outbox = openOutbox({ dir: join(dir, ".mir/outbox"), log: silentLog });
      return outbox.list();
    },
  });
  if (outbox === undefined) throw new Error("no outbox");
  const opened = outbox;
  const cache = openCache({ memory, dir, worker: 0, ...watched });
  const waits = { probeMs: 300, headMs: 300, stallMs: 300, storedMs: 300 };
  const origin = openOrigins([order.origin], { ...watched, secrets, waits });
  runOutbox({
    outbox: opened,
    async send(record) {
      await deliverToOrigin(record, { origin, path: cache.pathOf(record.relname) });
      passed("sent");
      return "done";
    },
    done(record) {
      cache.unpin(record.relname);
      passed("unpinned");
    },
    undo: async () => undefined,
    waits: { firstMs: 1, longestMs: 20 },
    ...watched,
  });
  for (let n = order.first; ; n++) {
    const record = recordOf(n);
    using room = cache.reserve(record.bytes);
    if (room === undefined) throw new Error("no room");
    const path = cache.tempPath();
    writeFileSync(path, uploadBytes(n));
    passed("written");
    if (cache.pinnable(record.bytes)) {
      cache.publish(room, path, record, { pinned: true });
      passed("published");
      opened.add(record);
      passed("added");
      writeSync(1, `${n}\n`);
      passed("acknowledged");
    }
    // others come and go meanwhile
    for (let k = 0; k < 4; k++) putBytes(cache, relnameOfNumber(n * 4 + k), 50_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
