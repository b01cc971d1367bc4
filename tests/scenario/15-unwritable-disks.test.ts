/** Cache directories that cannot be written, all of a sudden or from the start. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import {
  AS_ORDINARY_USER,
  chmodFolders,
  noOrdinaryUser,
  ownFolder,
} from "../support/ordinary-user.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY, upload } from "../support/uploads.ts";

setDefaultTimeout(60_000);

const reason = noOrdinaryUser(EXECUTABLE);
const PICTURES = 30;

describe.skipIf(reason !== undefined)(`a cache directory nobody may write ${reason ?? ""}`, () => {
  let photos: string;
  let mesh: Mesh;
  let jpeg: Uint8Array;

  beforeAll(async () => {
    photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
    chmodSync(photos, 0o755);
    jpeg = await drawJpeg({ width: 900, height: 600 });
    for (let n = 0; n < PICTURES; n++) {
      // the odd ones are long enough to be streamed
      const tail = Buffer.alloc(n % 2 === 0 ? 10 : 2 << 20, `${n} `);
      writeFileSync(join(photos, `picture${n}.jpg`), Buffer.concat([jpeg, tail]));
    }
    mesh = await startMesh({
      edges: ["edge-1"],
      origin: { origin_dir: photos },
      runBy: AS_ORDINARY_USER,
      prepare(dir) {
        ownFolder(join(dir, "edge-1"));
        chmodSync(dir, 0o755);
        return { [Symbol.dispose]: () => chmodFolders(dir, 0o755) };
      },
      env: {
        MIR_UPLOAD_KEYS: UPLOAD_KEY,
        TMPDIR: ownFolder(join(photos, ".tmp")),
        MIR_RUNTIME_DIR: ownFolder(join(photos, ".runtime")),
      },
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    rmSync(photos, { recursive: true, force: true });
  });

  const ask = async (path: string): Promise<Response> => {
    const answer = await mesh.get("edge-1", path);
    const bytes = await answer.bytes();
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    const [, , name, size] = path.split("/");
    if (size === "orig")
      expect(Buffer.compare(bytes, readFileSync(join(photos, `${name}.jpg`)))).toBe(0);
    expect(bytes.length).toBeGreaterThan(100);
    return answer;
  };

  const gauge = async (name: string): Promise<string | undefined> => {
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    const text = await (await fetch("http://mir/metrics", { unix })).text();
    return text.split("\n").find((line) => line.startsWith(`${name} `));
  };

  test("serves every miss all the same, uncached, counts it, and says it seldom", async () => {
    await ask("/puddle/picture0/md/a.jpg");
    expect(await gauge("mir_cache_writable")).toBe("mir_cache_writable 1");
    chmodFolders(mesh.node("edge-1").cacheDir, 0o555);
    const paths = Array.from({ length: PICTURES }, (_, n) => n).flatMap((n) => [
      `/puddle/picture${n}/orig/a.jpg`,
      `/puddle/picture${n}/sm/a.jpg`,
    ]);
    const answers = await Promise.all(paths.map(ask));
    const stored = answers.filter((a) => a.headers.get("cache-status")?.includes("; stored"));
    // what had been kept before may be found
    expect(stored.length).toBeLessThan(3);
    expect(await mesh.counter("edge-1", "cache_write_failed")).toBeGreaterThan(0);
    expect(await gauge("mir_cache_writable")).toBe("mir_cache_writable 0");
    const lines = mesh.node("edge-1").log().split("\n");
    expect(lines.filter((line) => line.includes('"cache.write_failed"')).length).toBe(1);
    expect(lines.length).toBeLessThan(20);
    expect(await mesh.counter("edge-1", "uncached")).toBeGreaterThan(PICTURES);
    expect(readdirSync(join(photos, ".tmp"))).toEqual([]);
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    expect((await fetch("http://mir/readyz", { unix })).status).toBe(200);
  });

  test("takes no uploads then, and says whose fault that is", async () => {
    const answer = await upload(mesh.node("edge-1").url, jpeg, { contentId: "uploaded-1" });
    expect(answer).toMatchObject({ status: 503, error: { code: "unwritable" } });
  });

  test("keeps again once it can be written", async () => {
    chmodFolders(mesh.node("edge-1").cacheDir, 0o755);
    let n = 0;
    await until(async () => {
      const path = `/puddle/picture${n++ % PICTURES}/xs/a.jpg`;
      return ((await ask(path)).headers.get("cache-status") ?? "").includes("; stored");
    }, "kept again");
    expect(await gauge("mir_cache_writable")).toBe("mir_cache_writable 1");
  });

  test("what lies in the way of a folder costs the keeping, not the answer", async () => {
    const folder = join(mesh.node("edge-1").cacheDir, "pi", "ct", "ur", "sm");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    writeFileSync(folder, "in the way");
    const failed = await mesh.counter("edge-1", "cache_write_failed");
    for (let n = 0; n < 4; n++) await ask(`/puddle/picture${n}/sm/a.jpg`);
    expect(await mesh.counter("edge-1", "cache_write_failed")).toBeGreaterThan(failed);
    rmSync(folder);
  });
});
