/** A node with three disks, two of them file systems of their own, that go and come back while it serves. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DiskStatus, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { moveMount, noSmallDisk, readOnly, smallDisk } from "../support/small-disk.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY, upload } from "../support/uploads.ts";

setDefaultTimeout(60_000);

const reason = noSmallDisk();
/** So many that a disk has ten variants or fewer, of two an id and by chance, once in 40 million runs. */
const PICTURES = 80;
const MiB = 1 << 20;
const DISKS = ["disk-1", "disk-2", "disk-3"];

describe.skipIf(reason !== undefined)(`a node with three disks ${reason ?? ""}`, () => {
  const photos = new DisposableStack();
  let mesh: Mesh;
  let jpeg: Uint8Array;

  beforeAll(async () => {
    const folder = photos.use(makeTempDir());
    jpeg = await drawJpeg({ width: 500, height: 400 });
    for (let n = 0; n < PICTURES; n++) {
      // every fourth is sent by the system itself
      const tail = Buffer.alloc(n % 4 === 1 ? 1.5 * MiB : 10, `${n} `);
      folder.write(`picture${n}.jpg`, Buffer.concat([jpeg, tail]));
    }
    mesh = await startMesh({
      edges: ["edge-1"],
      origin: { origin_dir: folder.path },
      env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
      server: { workers: 2, capacity: "300MiB", cache_dirs: DISKS },
      prepare(dir) {
        using mounts = new DisposableStack();
        for (const name of DISKS) {
          mounts.use(smallDisk(join(dir, name), { bytes: 128 * MiB }));
        }
        return mounts.move();
      },
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    photos.dispose();
  });

  const at = (name: string): string => join(mesh.dir, name);

  const ask = async (path: string): Promise<string> => {
    const answer = await mesh.get("edge-1", path);
    const bytes = await answer.bytes();
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    expect(bytes.length).toBeGreaterThan(500);
    return answer.headers.get("cache-status") ?? "";
  };

  /** How many were hits. */
  const askAll = async (): Promise<number> => {
    let hits = 0;
    for (let n = 0; n < PICTURES; n++) {
      const found = await Promise.all(
        ["orig", "xs"].map((size) => ask(`/puddle/picture${n}/${size}/a.jpg`)),
      );
      hits += found.filter((status) => status.endsWith("; hit")).length;
    }
    return hits;
  };

  const disks = async (): Promise<readonly DiskStatus[]> =>
    (await mesh.status("edge-1")).cache.disks;

  const stateOf = async (name: string): Promise<string | undefined> =>
    (await disks()).find(({ dir }) => dir === at(name))?.state;

  const becomes = (name: string, state: string): Promise<void> =>
    until(async () => (await stateOf(name)) === state, `${name} ${state}`);

  const readyz = async (): Promise<readonly [number, string]> => {
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    const answer = await fetch("http://mir/readyz", { unix });
    return [answer.status, await answer.text()];
  };

  const moveAway = (name: string): { back(): void } => {
    moveMount(at(name), at(`${name}-away`));
    return { back: () => moveMount(at(`${name}-away`), at(name)) };
  };

  test("keeps pictures on each, and its own files in cache_dir", async () => {
    await askAll();
    expect(await askAll()).toBe(PICTURES * 2);
    for (const { state, variants, bytes, capacityBytes } of await disks()) {
      expect(state).toBe("well");
      expect(variants).toBeGreaterThan(10);
      expect(bytes).toBeLessThan(capacityBytes);
      expect(Math.abs(capacityBytes - 100 * MiB)).toBeLessThan(4096);
    }
    const { cacheDir } = mesh.node("edge-1");
    expect(readdirSync(cacheDir)).toEqual([".mir"]);
    expect(await readyz()).toEqual([200, "ready"]);
  });

  test("one that is not there any more costs its share and no answer, and is told", async () => {
    const share = (await disks()).find(({ dir }) => dir === at("disk-2"))?.variants ?? 0;
    const away = moveAway("disk-2");
    // before anybody has noticed
    await askAll();
    await becomes("disk-2", "failed");
    expect(await readyz()).toEqual([200, `ready\ndisk ${at("disk-2")}: failed`]);
    expect(mesh.node("edge-1").log()).toContain("cache.disk_failed");
    await askAll();
    expect(await askAll()).toBe(PICTURES * 2);
    expect(share).toBeGreaterThan(10);
    // nothing lies in its place but folders
    const left = readdirSync(at("disk-2"), { recursive: true, withFileTypes: true });
    expect(left.filter((found) => found.isFile())).toEqual([]);
    away.back();
    await becomes("disk-2", "well");
    expect(await askAll()).toBe(PICTURES * 2);
    expect(await readyz()).toEqual([200, "ready"]);
  });

  test("one that cannot be written serves what it has; others take what it should", async () => {
    const sealed = readOnly(at("disk-3"));
    await becomes("disk-3", "unwritable");
    expect(await askAll()).toBe(PICTURES * 2);
    const before = (await disks()).find(({ dir }) => dir === at("disk-3"))?.variants;
    for (let n = 0; n < PICTURES; n++) {
      expect(await ask(`/puddle/picture${n}/sm/a.jpg`)).toContain("; stored");
    }
    expect((await disks()).find(({ dir }) => dir === at("disk-3"))?.variants).toBe(before ?? -1);
    sealed[Symbol.dispose]();
    await becomes("disk-3", "well");
  });

  test("one that is full keeps less", async () => {
    const { bavail, bsize } = statfsSync(at("disk-1"));
    writeFileSync(join(at("disk-1"), "theirs"), Buffer.alloc(bavail * bsize));
    for (let n = 0; n < PICTURES; n++) await ask(`/puddle/picture${n}/md/a.jpg`);
    expect(await stateOf("disk-1")).toBe("well");
    rmSync(join(at("disk-1"), "theirs"));
    await until(async () => {
      await askAll();
      return (await askAll()) === PICTURES * 2;
    }, "it keeps all again");
  });

  test("takes uploads while one is away, wherever their id belongs", async () => {
    const away = moveAway("disk-1");
    await becomes("disk-1", "failed");
    for (let n = 0; n < 8; n++) {
      const unlike = Buffer.concat([jpeg, Buffer.from(`upload ${n}`)]);
      const answer = await upload(mesh.node("edge-1").url, unlike, {
        ...(n % 2 === 0 ? { contentId: `uploaded-${n}` } : {}),
      });
      expect(answer).toMatchObject({ status: 201 });
    }
    away.back();
    await becomes("disk-1", "well");
  });

  test("starts without one that is not mounted, and takes it in when it is", async () => {
    expect(await mesh.kill("edge-1", "SIGTERM")).toBe(0);
    const away = moveAway("disk-2");
    await mesh.start("edge-1");
    expect(await stateOf("disk-2")).toBe("failed");
    expect(existsSync(join(at("disk-2"), ".mir"))).toBe(false);
    await askAll();
    away.back();
    await becomes("disk-2", "well");
    expect(await askAll()).toBe(PICTURES * 2);
  });
});
