/** Folders of the cache that somebody removes under a node that runs. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY, upload } from "../support/uploads.ts";

setDefaultTimeout(60_000);

const PICTURES = 16;

let photos: string;
let answered = 0;
let mesh: Mesh;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  const jpeg = await drawJpeg({ width: 1100, height: 700 });
  for (let n = 0; n < PICTURES; n++) {
    // as many folders as pictures, the long ones streamed
    const tail = Buffer.alloc(n % 2 === 0 ? 10 : 2 << 20, `${n} `);
    writeFileSync(join(photos, `k${n}picture.jpg`), Buffer.concat([jpeg, tail]));
  }
  mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: photos },
    server: { workers: 2 },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

function removeCached(): void {
  const { cacheDir } = mesh.node("edge-1");
  for (const name of readdirSync(cacheDir).filter((one) => one.startsWith("k"))) {
    rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

async function askAll(sizes: readonly string[]): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  const paths = Array.from({ length: PICTURES }, (_, n) => n).flatMap((n) =>
    sizes.map((size) => `/puddle/k${n}picture/${size}/a.jpg`),
  );
  for (let at = 0; at < paths.length; at += 8) {
    await Promise.all(
      paths.slice(at, at + 8).map(async (path) => {
        const outcome = await statusOf(path);
        statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      }),
    );
  }
  return statuses;
}

async function statusOf(path: string): Promise<string> {
  const answer = await mesh.get("edge-1", path);
  const bytes = await answer.bytes().catch(() => undefined);
  answered++;
  if (bytes === undefined) return "cut";
  return answer.status === 200 ? "200" : `${answer.status} ${Buffer.from(bytes).toString()}`;
}

describe("cached folders that are removed under a running node", () => {
  test("cost misses, never a failure", async () => {
    const sizes = ["orig", "lg", "md", "xs"];
    const all = { 200: PICTURES * sizes.length };
    expect(await askAll(sizes)).toEqual(all);
    for (let round = 0; round < 2; round++) {
      removeCached();
      expect(await askAll(sizes)).toEqual(all);
      removeCached();
      // made of something else than was there
      expect(await askAll(["sm", "lg"])).toEqual({ 200: PICTURES * 2 });
    }
  });

  test("also while it is written to", async () => {
    const sizes = ["orig", "lg", "md", "xs"];
    answered = 0;
    const asked = Promise.all([askAll(sizes), askAll(["sm", "md"])]);
    for (let tenth = 1; tenth < 10; tenth++) {
      await until(() => answered >= (PICTURES * 6 * tenth) / 10, "some answers");
      removeCached();
    }
    const both = await asked;
    expect(both).toEqual([{ 200: PICTURES * 4 }, { 200: PICTURES * 2 }]);
  });
});

describe("a whole cache directory that is removed under a running node", () => {
  test("is made again: uploads, its outbox and its admin socket", async () => {
    const store = mkdtempSync(join(tmpdir(), "mir-store-"));
    await using lonely = await startMesh({
      edges: ["edge-1"],
      regionals: ["regional-1"],
      origin: { origin_dir: store },
      env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
    });
    // nobody takes what is uploaded: it stays in the outbox
    await lonely.kill("regional-1");
    const { cacheDir, url, log } = lonely.node("edge-1");
    const send = async (contentId: string, width: number): Promise<number> =>
      (await upload(url, await drawJpeg({ width, height: 200 }), { contentId })).status;
    const isReachable = (): Promise<boolean> =>
      lonely.status("edge-1").then(
        () => true,
        () => false,
      );
    expect(await send("before-1", 300)).toBe(201);
    expect((await lonely.status("edge-1")).outbox.pending).toBe(1);

    // its own files alone: the record is written again, as the picture is still there
    rmSync(join(cacheDir, ".mir"), { recursive: true });
    const record = join(cacheDir, ".mir/outbox/before-1.jpg.json");
    await until(() => existsSync(record), "the record again");
    await until(isReachable, "the admin socket again");
    expect((await lonely.status("edge-1")).outbox.pending).toBe(1);

    rmSync(cacheDir, { recursive: true });
    await until(async () => (await send("after-1", 310)) === 201, "an upload is taken");
    await until(isReachable, "the admin socket again");
    await until(async () => (await lonely.status("edge-1")).outbox.pending === 1, "the lost one");
    expect(readdirSync(join(cacheDir, ".mir/outbox")).sort()).toEqual([
      "after-1.jpg.json",
      "aside",
    ]);
    expect(log()).toContain('"pending":1,"written":1,"lost":0');
    expect(log()).toContain(
      '"pending":1,"written":0,"lost":1,"example":"be/fo/re/orig/before-1.jpg"',
    );
    const ready = await fetch("http://admin/readyz", { unix: join(cacheDir, ".mir/admin.sock") });
    expect(await ready.text()).toBe("ready");
    rmSync(store, { recursive: true, force: true });
  });
});
