/** Uploads that came while the store was away: what it has under their ids shows when it is back. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY, upload } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

const dir = makeTempDir();
const store = join(dir.path, "store");
const storeAway = join(dir.path, "store-unmounted");
let mesh: Mesh;

beforeAll(async () => {
  mkdirSync(store);
  mesh = await startMesh({
    edges: ["edge-1"],
    regionals: ["regional-1"],
    origin: { origin_dir: store },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

async function gauge(node: string, name: string): Promise<number> {
  const unix = join(mesh.node(node).cacheDir, ".mir/admin.sock");
  const text = await (await fetch("http://admin/metrics", { unix })).text();
  return Number(new RegExp(`^mir_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

test("an original under a flat name is not hidden by an upload: that one is set aside", async () => {
  const there = await drawJpeg({ width: 300, height: 200 });
  const other = await drawJpeg({ width: 300, height: 201 });
  writeFileSync(join(store, "taken-flat.jpg"), there);
  writeFileSync(join(store, "same-flat.jpg"), there);
  renameSync(store, storeAway);
  const { url } = mesh.node("edge-1");
  for (const [contentId, bytes] of [
    ["taken-flat", other],
    ["same-flat", there],
    ["free-flat", other],
  ] as const) {
    expect(await upload(url, bytes, { contentId })).toMatchObject({ status: 201 });
  }
  await until(async () => (await gauge("regional-1", "outbox_pending")) === 3);
  renameSync(storeAway, store);
  await until(async () => (await gauge("regional-1", "outbox_pending")) === 0);
  expect(await gauge("regional-1", "outbox_aside")).toBe(1);
  expect(existsSync(join(store, "ta/ke/n-/orig/taken-flat.jpg"))).toBe(false);
  expect(existsSync(join(store, "sa/me/-f/orig/same-flat.jpg"))).toBe(false);
  expect(readFileSync(join(store, "taken-flat.jpg")).equals(there)).toBe(true);
  expect(readFileSync(join(store, "fr/ee/-f/orig/free-flat.jpg")).equals(other)).toBe(true);
});
