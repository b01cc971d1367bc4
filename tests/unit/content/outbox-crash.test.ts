/** `kill -9` at any moment: every acknowledged upload is on this disk or in the store, byte for byte (spec §8). */

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { deliverToOrigin } from "../../../src/content/deliver.ts";
import { openOutbox } from "../../../src/content/outbox.ts";
import { runOutbox } from "../../../src/content/run-outbox.ts";
import { openOrigins } from "../../../src/origin/origin.ts";
import { makeCacheDir } from "../../support/cache-dir.ts";
import { type FaultyS3, startFaultyS3 } from "../../support/faulty-s3.ts";
import { recordOf, uploadBytes, uploadName } from "../../support/outbox-files.ts";
import { SHORT_WAITS } from "../../support/s3-origin.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";
import {
  STEPS,
  type Step,
  UPLOADER_CAPACITY_BYTES,
  type UploaderOrder,
} from "../../support/uploader.worker.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const UPLOADER = join(import.meta.dir, "../../support/uploader.worker.ts");
const ROUNDS = 14;
const TEST_MS = 60_000;

/** The store, as the test sees it. */
interface Target {
  readonly spec: UploaderOrder["origin"];
  readonly secrets: UploaderOrder["secrets"];
  get(relname: string): Uint8Array | undefined;
}

/** Runs an uploader until it is dead; the numbers it acknowledged. */
async function runUntilKilled(order: UploaderOrder, acksMax: number): Promise<number[]> {
  const child = Bun.spawn([process.execPath, UPLOADER, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n").length > acksMax) child.kill("SIGKILL");
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

/** What a node finds at its next start; nothing acknowledged may be missing. */
function checkAfter(dir: string, acknowledged: readonly number[], target: Target): number {
  const outboxDir = join(dir, ".mir/outbox");
  const outbox = openOutbox({ dir: outboxDir, log: watchedParts().log });
  const capacityBytes = UPLOADER_CAPACITY_BYTES;
  using made = makeCacheDir({ dir, capacityBytes, pinned: outbox.list() });
  expect(readdirSync(outboxDir).filter((name) => !name.endsWith(".json"))).toEqual(["aside"]);
  expect(outbox.aside()).toEqual([]);
  expect(readdirSync(join(dir, ".mir/tmp"))).toEqual([]);
  expect(made.restored.lost).toEqual([]);
  expect(made.cache.pinned().toSorted()).toEqual(
    outbox
      .list()
      .map((r) => r.relname)
      .toSorted(),
  );
  for (const record of outbox.list()) {
    const n = Number(/upload(\d+)\./.exec(record.relname)?.[1]);
    expect(record).toEqual(recordOf(n));
    expect(readFileSync(made.cache.pathOf(record.relname)).equals(uploadBytes(n))).toBe(true);
  }
  for (const n of acknowledged) {
    if (outbox.get(uploadName(n)) !== undefined) continue;
    expect(uploadBytes(n).equals(target.get(uploadName(n)) ?? Buffer.alloc(0))).toBe(true);
  }
  return outbox.pending();
}

/** Hands on what is left, as the last start of the node would. */
async function handOnRest(dir: string, target: Target): Promise<void> {
  const parts = { ...watchedParts(), clock: systemClock };
  const outbox = openOutbox({ dir: join(dir, ".mir/outbox"), log: parts.log });
  const origin = openOrigins([target.spec], {
    ...parts,
    secrets: target.secrets,
    waits: SHORT_WAITS,
  });
  const runner = runOutbox({
    outbox,
    send: (record) => deliverToOrigin(record, { origin, path: join(dir, record.relname) }),
    done() {},
    undo: async () => undefined,
    ...parts,
    waits: { firstMs: 1, longestMs: 20 },
  });
  await until(() => outbox.pending() === 0);
  await runner.stop();
  expect(outbox.aside()).toEqual([]);
}

async function killOften(target: Target): Promise<{ acknowledged: number[]; resumed: number }> {
  using temp = makeTempDir();
  const dir = join(temp.path, "cache");
  mkdirSync(dir);
  const acknowledged: number[] = [];
  let first = 0;
  let resumed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const dieAt: Step = STEPS[round % STEPS.length] ?? "never";
    const order = {
      dir,
      first,
      dieAt,
      dieAfter: Math.floor(Math.random() * 6),
      ...orderOf(target),
    };
    const acks = await runUntilKilled(order, dieAt === "never" ? 1 + Math.random() * 20 : 500);
    acknowledged.push(...acks);
    // what was not acknowledged may be there too: its name is not used again
    first = Math.max(first, ...acks) + 2;
    resumed += checkAfter(dir, acknowledged, target);
  }
  await handOnRest(dir, target);
  for (const n of acknowledged) {
    expect(uploadBytes(n).equals(target.get(uploadName(n)) ?? Buffer.alloc(0))).toBe(true);
  }
  rmSync(dir, { recursive: true });
  return { acknowledged, resumed };
}

function orderOf(target: Target): Pick<UploaderOrder, "origin" | "secrets"> {
  return { origin: target.spec, secrets: target.secrets };
}

test(
  "a node killed again and again loses no acknowledged upload on its way into a directory",
  async () => {
    using store = makeTempDir();
    const { acknowledged, resumed } = await killOften({
      spec: { kind: "directory", name: "origin", dir: store.path },
      secrets: undefined,
      get(relname) {
        try {
          return readFileSync(join(store.path, relname));
        } catch {
          return undefined;
        }
      },
    });
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    expect(resumed).toBeGreaterThan(0);
  },
  TEST_MS,
);

test(
  "nor on its way into an S3 store that fails often, and nothing is put twice",
  async () => {
    using s3 = startFaultyS3();
    s3.fault = failOften();
    const { acknowledged } = await killOften({
      spec: {
        ...{ kind: "s3", name: "origin", endpoint: s3.endpoint, region: "eu-test-1" },
        ...{ bucket: "photos", prefix: "", pathStyle: true },
      },
      secrets: s3.keys,
      get: (relname) => s3.get(relname),
    });
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    expect(new Set(s3.stored).size).toBe(s3.stored.length);
  },
  TEST_MS,
);

/** Refusals, cut connections and answers that never come, in turn, among requests that go well. */
function failOften(): FaultyS3["fault"] {
  const faults = [
    { kind: "status", status: 500 },
    { kind: "hang-up" },
    { kind: "status", status: 403 },
    { kind: "cut-put", afterBytes: 1000 },
    { kind: "status", status: 503 },
    { kind: "silence" },
  ] as const;
  let failures = 0;
  return () => (Math.random() < 0.2 ? faults[failures++ % faults.length] : undefined);
}
