/** A directory as origin: the contract, then what only file systems can do. */

import { describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type Origin, openOrigins } from "../../../src/origin/origin.ts";
import { originContract, pattern, type StoreUnderTest } from "../../contract/origin.ts";
import { originPutContract } from "../../contract/origin-put.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

const ID = "viral123";
const DEADLINE = { deadlineMs: 10_000 };

const start = async (): Promise<StoreUnderTest> => {
  using stack = new DisposableStack();
  const dir = stack.use(makeTempDir());
  const kept = stack.move();
  return {
    async put(path, bytes) {
      dir.write(path, bytes);
    },
    async remove(path) {
      rmSync(join(dir.path, path));
    },
    open: (parts) => openDirectory(dir.path, parts),
    [Symbol.asyncDispose]: async () => kept.dispose(),
  };
};

originContract("a directory", start);
originPutContract("a directory", start);

describe("a directory as origin", () => {
  test("also finds flat names with the upper-case ext of cameras", async () => {
    using dir = makeTempDir();
    dir.write("IMG_0042.JPG", "camera");
    const found = await openDirectory(dir.path).open("IMG_0042", DEADLINE);
    expect(found.ext).toBe("jpg");
    expect(Buffer.from(await readAll(found.body)).toString()).toBe("camera");
  });

  test("follows symbolic links to pictures", async () => {
    using dir = makeTempDir();
    using elsewhere = makeTempDir();
    symlinkSync(elsewhere.write("kept.jpg", "linked"), join(dir.path, `${ID}.jpg`));
    const found = await openDirectory(dir.path).open(ID, DEADLINE);
    expect(Buffer.from(await readAll(found.body)).toString()).toBe("linked");
  });

  test("takes a dangling link for a picture that is not there", async () => {
    using dir = makeTempDir();
    symlinkSync(join(dir.path, "nowhere"), join(dir.path, `${ID}.jpg`));
    expect(await codeOf(openDirectory(dir.path).open(ID, DEADLINE))).toBe("not_found");
  });

  test("passes over folders, FIFOs and devices, and says so in the log", async () => {
    using dir = makeTempDir();
    mkdirSync(join(dir.path, `${ID}.jpg`));
    Bun.spawnSync(["mkfifo", join(dir.path, `${ID}.png`)]);
    symlinkSync("/dev/zero", join(dir.path, `${ID}.webp`));
    const parts = watchedParts();
    expect(await codeOf(openDirectory(dir.path, parts).open(ID, DEADLINE))).toBe("not_found");
    expect(parts.lines.filter((line) => line.includes("origin_not_a_file"))).toHaveLength(3);
  });

  test("does not hang on a FIFO that was put in the place of the picture", async () => {
    using dir = makeTempDir();
    const path = dir.write(`${ID}.jpg`, "picture");
    const { body } = await openDirectory(dir.path).open(ID, DEADLINE);
    rmSync(path);
    Bun.spawnSync(["mkfifo", path]);
    expect(await codeOf(body.read())).toBe("bad_origin");
  });

  test("cuts the body when the file is truncated while it is read", async () => {
    using dir = makeTempDir();
    const path = dir.write(`${ID}.jpg`, pattern(1_000_000));
    const { body } = await openDirectory(dir.path).open(ID, DEADLINE);
    await body.read();
    truncateSync(path, 300_000);
    expect(await codeOf(readAll(body))).toBe("bad_origin");
    expect(await codeOf(body.read())).toBe("bad_origin");
  });

  test("cuts the body when the file grows while it is read", async () => {
    using dir = makeTempDir();
    const path = dir.write(`${ID}.jpg`, pattern(1_000_000));
    const { body } = await openDirectory(dir.path).open(ID, DEADLINE);
    await body.read();
    appendFileSync(path, "more");
    expect(await codeOf(readAll(body))).toBe("bad_origin");
  });

  test("says bad_origin, not not_found, when the directory itself is gone: it may not be mounted", async () => {
    using dir = makeTempDir();
    const parts = watchedParts();
    const origin = openDirectory(join(dir.path, "unmounted"), parts);
    expect(await codeOf(origin.open(ID, DEADLINE))).toBe("bad_origin");
    expect(parts.lines.join("")).toContain("origin_dir_missing");
  });

  test("nor is anything removed from it then: a picture may be in there", async () => {
    using dir = makeTempDir();
    const origin = openDirectory(join(dir.path, "unmounted"));
    expect(await codeOf(origin.remove(ID, DEADLINE))).toBe("bad_origin");
  });

  test("says bad_origin when there is a file in the place of the directory", async () => {
    using dir = makeTempDir();
    const origin = openDirectory(dir.write("photos", "not a folder"));
    expect(await codeOf(origin.open(ID, DEADLINE))).toBe("bad_origin");
  });

  test("says bad_origin when a folder may not be read, and the log says why", async () => {
    using dir = makeTempDir();
    // a link to itself fails for everyone, root included
    symlinkSync(join(dir.path, "vi"), join(dir.path, "vi"));
    const parts = watchedParts();
    expect(await codeOf(openDirectory(dir.path, parts).open(ID, DEADLINE))).toBe("bad_origin");
    expect(parts.lines.join("")).toContain("origin_probe_failed");
  });

  test("gives copies of one directory the same validators", async () => {
    using one = makeTempDir();
    using two = makeTempDir();
    one.write(`${ID}.jpg`, "picture");
    Bun.spawnSync(["cp", "-p", join(one.path, `${ID}.jpg`), two.path]);
    const [a, b] = await Promise.all(
      [one, two].map((dir) => openDirectory(dir.path).open(ID, DEADLINE)),
    );
    expect(a?.validator).toBe(b?.validator ?? "");
  });

  test("leaves no file open, whether bodies are read, cut or cancelled", async () => {
    using dir = makeTempDir();
    dir.write(`${ID}.jpg`, pattern(1_000_000));
    const origin = openDirectory(dir.path);
    for (let i = 0; i < 20; i++) {
      const { body } = await origin.open(ID, DEADLINE);
      if (i % 3 !== 0) await body.read();
      if (i % 3 === 1) await readAll(body);
      const reading = i % 2 === 0 ? body.read().catch(() => undefined) : undefined;
      body.cancel();
      await reading;
    }
    await noneOpen(dir.path);
  });
});

function openDirectory(dir: string, parts: WatchedParts = watchedParts()): Origin {
  const origin = openOrigins([{ kind: "directory", name: "origin", dir }], {
    ...parts,
    secrets: undefined,
  });
  if (origin === undefined) throw new Error("no origin");
  return origin;
}

/** Closing happens on another thread: waits until this process has nothing open under `dir`. */
function noneOpen(dir: string): Promise<void> {
  return until(() => {
    const { stdout } = Bun.spawnSync(["ls", "-l", `/proc/${process.pid}/fd`]);
    return !stdout.toString().includes(dir);
  }, "no file open");
}
