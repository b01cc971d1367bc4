/** A node that died right after it acknowledged an upload, with the store down: nothing is lost, all gets there. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatRecord, type OutboxRecord } from "../../src/content/outbox-record.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const RELNAME = "up/lo/ad/orig/upload42.jpg";

const dir = makeTempDir();
const store = join(dir.path, "store");
const storeAway = join(dir.path, "store-unmounted");
let mesh: Mesh;
let picture: Buffer;

async function gauge(name: string): Promise<number> {
  const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
  const text = await (await fetch("http://admin/metrics", { unix })).text();
  return Number(new RegExp(`^mir_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

/** What a loss of power leaves of an acknowledged upload: the file and the outbox's record, no journal. */
function leaveUpload(cacheDir: string): void {
  const path = join(cacheDir, RELNAME);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, picture);
  const record: OutboxRecord = {
    relname: RELNAME,
    bytes: picture.length,
    validator: "0123456789abcdef",
    modified: 1_700_000_000,
    facts: { width: 0, height: 0, alpha: false, animated: false },
    lossySteps: 0,
    sha256: new Bun.CryptoHasher("sha256").update(picture).digest("hex"),
    next: "store",
    createdAt: 1_700_000_000,
  };
  const outbox = join(cacheDir, ".mir/outbox");
  mkdirSync(outbox, { recursive: true });
  writeFileSync(join(outbox, "upload42.jpg.json"), formatRecord(record));
  writeFileSync(join(outbox, "upload43.jpg.json.tmp"), '{"xxh64":"01');
}

beforeAll(async () => {
  await writePicture(dir.path, "upload.jpg", { width: 640, height: 480 });
  picture = readFileSync(join(dir.path, "upload.jpg"));
  mkdirSync(store);
  mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: store } });
  await mesh.kill("edge-1");
  leaveUpload(mesh.node("edge-1").cacheDir);
  renameSync(store, storeAway);
});

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

test("a node that starts with an upload in its outbox serves it, and tells that it waits", async () => {
  await mesh.start("edge-1");
  expect(await gauge("outbox_pending")).toBe(1);
  expect(await gauge("cache_pinned_bytes")).toBeGreaterThanOrEqual(picture.length);
  const answer = await mesh.get("edge-1", "/puddle/upload42/orig/a.jpg");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("etag")).toContain("0123456789abcdef");
  expect(Buffer.from(await answer.arrayBuffer()).equals(picture)).toBe(true);
  expect((await mesh.get("edge-1", "/puddle/upload42/xs/a.jpg")).status).toBe(200);
});

test("it is tried again while the store is down, and kept over another kill and a clean stop", async () => {
  await until(async () => (await mesh.counter("edge-1", "outbox_retry")) >= 2);
  await mesh.kill("edge-1");
  await mesh.start("edge-1");
  expect(await gauge("outbox_pending")).toBe(1);
  expect(await mesh.kill("edge-1", "SIGTERM")).toBe(0);
  await mesh.start("edge-1");
  expect(await gauge("outbox_pending")).toBe(1);
});

test("once the store is back it has the bytes, and the node pins nothing any more", async () => {
  renameSync(storeAway, store);
  await until(async () => (await gauge("outbox_pending")) === 0);
  expect(readFileSync(join(store, RELNAME)).equals(picture)).toBe(true);
  expect(await gauge("cache_pinned_bytes")).toBe(0);
  expect(await mesh.counter("edge-1", "origin_put")).toBe(1);
  expect(await mesh.counter("edge-1", "outbox_sent")).toBe(1);
});

test("other bytes in the store are never replaced: the upload is set aside, said, and still served", async () => {
  await mesh.kill("edge-1");
  leaveUpload(mesh.node("edge-1").cacheDir);
  writeFileSync(join(store, RELNAME), "other bytes");
  await mesh.start("edge-1");
  await until(async () => (await gauge("outbox_aside")) === 1);
  expect(await gauge("outbox_pending")).toBe(0);
  expect(await gauge("cache_pinned_bytes")).toBeGreaterThanOrEqual(picture.length);
  expect(mesh.node("edge-1").log()).toContain("outbox.set_aside");
  expect(readFileSync(join(store, RELNAME), "utf8")).toBe("other bytes");
  const answer = await mesh.get("edge-1", "/puddle/upload42/orig/a.jpg");
  expect(Buffer.from(await answer.arrayBuffer()).equals(picture)).toBe(true);
});
