/** A node killed again and again while it fills its cache and serves; and files that the disk, or somebody, spoils. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCrashLoop } from "../support/crash-loop.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

/** `MIR_CRASHES=200` is the long form: ten minutes. */
const CRASHES = Number(process.env["MIR_CRASHES"] ?? 6);

setDefaultTimeout(60_000 + CRASHES * 5_000);

test("no wrong byte and no leaked file, however often it is killed", async () => {
  const seen = await runCrashLoop(CRASHES, Math.random);
  expect(seen.wrong).toEqual([]);
  expect(seen.leaked).toEqual([]);
  expect(seen.corrupt).toBe(0);
  expect(seen.startsMs.length).toBe(CRASHES);
  expect(seen.whole).toBeGreaterThan(CRASHES * 2);
});

/** What is compared instead of the bytes, so that a failure stays readable. */
function digestOf(bytes: Uint8Array): string {
  return Bun.hash.xxHash64(bytes).toString(16);
}

describe("files that are not what they were", () => {
  const NAME = "/puddle/spoiled1/orig/a.jpg";
  let photos: string;
  let picture: Uint8Array;
  let mesh: Mesh;

  beforeAll(async () => {
    photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
    picture = await drawJpeg({ width: 900, height: 700 });
    writeFileSync(join(photos, "spoiled1.jpg"), picture);
    mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos } });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    rmSync(photos, { recursive: true, force: true });
  });

  const file = (): string => join(mesh.node("edge-1").cacheDir, "sp/oi/le/orig/spoiled1.jpg");
  const get = async (path: string): Promise<Uint8Array> => {
    const answer = await mesh.get("edge-1", path);
    expect(answer.status).toBe(200);
    return answer.bytes();
  };
  const damagedNames = (): string[] =>
    readdirSync(join(mesh.node("edge-1").cacheDir, ".mir/damaged"));

  /** Bytes turned over in the middle, which still decode. */
  const flip = (): void => {
    const bytes = readFileSync(file());
    for (let at = 400; at < bytes.length; at += 50) bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file(), bytes);
  };

  test("a file that somebody has cut is set aside, counted and fetched again", async () => {
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
    truncateSync(file(), 100);
    // so that it is not held in memory either
    await mesh.kill("edge-1", "SIGTERM");
    await mesh.start("edge-1");
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
    await until(async () => (await mesh.counter("edge-1", "corrupt")) > 0, "it was counted");
    expect(damagedNames()).toEqual(["orig-spoiled1.jpg"]);
    expect(mesh.node("edge-1").log()).toContain("cache.damaged");
  });

  test("bits that flipped before a crash was over are found before the first byte goes out", async () => {
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
    await mesh.kill("edge-1");
    flip();
    await mesh.start("edge-1");
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
    expect(await mesh.counter("edge-1", "corrupt")).toBe(1);
    expect(statSync(file()).size).toBe(picture.length);
  });

  test("without journal and checkpoint nothing is served that nobody has vouched for", async () => {
    await get(NAME);
    const { cacheDir } = mesh.node("edge-1");
    await mesh.kill("edge-1");
    flip();
    rmSync(join(cacheDir, ".mir"), { recursive: true });
    await mesh.start("edge-1");
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
  });

  test("foreign files stay where they are, and are told of in one line", async () => {
    const { cacheDir } = mesh.node("edge-1");
    await mesh.kill("edge-1");
    mkdirSync(join(cacheDir, "sp/oi"), { recursive: true });
    writeFileSync(join(cacheDir, "sp/oi/notes.txt"), "mine");
    await mesh.start("edge-1");
    await until(() => mesh.node("edge-1").log().includes("cache.foreign_files"), "it was told");
    expect(readFileSync(join(cacheDir, "sp/oi/notes.txt"), "utf8")).toBe("mine");
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
  });

  test("the whole tree deleted under a running node: it answers on, and keeps again after a while", async () => {
    const { cacheDir } = mesh.node("edge-1");
    for (const name of readdirSync(cacheDir)) {
      if (name !== ".mir") rmSync(join(cacheDir, name), { recursive: true });
    }
    for (const name of readdirSync(join(cacheDir, ".mir"))) {
      if (name !== "admin.sock") rmSync(join(cacheDir, ".mir", name), { recursive: true });
    }
    for (const size of ["orig", "md", "sm"]) await get(`/puddle/spoiled1/${size}/a.jpg`);
    expect(digestOf(await get(NAME))).toBe(digestOf(picture));
  });
});
