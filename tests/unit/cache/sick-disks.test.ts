/** Disks that answer with errors, or not at all. */

import { describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../../src/base/limits.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { identityPath } from "../../../src/cache/disk-identity.ts";
import { makeProbe } from "../../../src/cache/probe-disk.ts";
import { makeCacheDir, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { makeDisks, numbers } from "../../support/disk-set.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const MiB = 1 << 20;
const TWO = { dirs: { a: 4 * MiB, b: 4 * MiB } };
const A = relnameOfNumber(1);

function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe("a cached file that cannot be read", () => {
  test("is counted, told and forgotten", () => {
    using of = makeCacheDir();
    putBytes(of.cache, A);
    const path = of.cache.pathOf(A);
    rmSync(path);
    // what a folder in its place says, even to root
    mkdirSync(path);
    of.cache.noteUnread(A, errorOf("EISDIR"));
    expect(of.cache.peek(A)).toBeUndefined();
    expect(of.counters()["cache_read_failed"]).toBe(1);
    expect(of.logged.some(({ event }) => event === "cache.read_failed")).toBe(true);
    expect(checkIndex(of.memory)).toEqual([]);
  });

  test("because it is gone is only forgotten", () => {
    using of = makeCacheDir();
    putBytes(of.cache, A);
    rmSync(of.cache.pathOf(A));
    of.cache.noteUnread(A, errorOf("ENOENT"));
    expect(of.cache.peek(A)).toBeUndefined();
    expect(of.counters()["cache_read_failed"]).toBe(0);
  });

  test("because the process has no descriptors stays", () => {
    using of = makeCacheDir();
    putBytes(of.cache, A);
    for (const code of ["EMFILE", "ENFILE", "ENOMEM"]) of.cache.noteUnread(A, errorOf(code));
    expect(of.cache.look(A)?.bytes).toBe(100);
    expect(of.counters()["cache_read_failed"]).toBe(0);
  });
});

test("a process without descriptors does not give up a disk; one that refuses writes is left alone", () => {
  using of = makeCacheDir();
  const path = of.cache.tempPath();
  for (let n = 0; n < 20; n++) of.cache.noteTrouble(errorOf("EMFILE"), path);
  expect(of.cache.usage().unwritable).toBe(false);
  expect(putBytes(of.cache, A)).toBe("published");
  for (let n = 0; n < 20; n++) of.cache.noteTrouble(errorOf("EROFS"), path);
  expect(of.cache.usage().unwritable).toBe(true);
  expect(of.cache.reserve(1)).toBeUndefined();
});

test("a disk of which several files cannot be read is left out, its share goes elsewhere", async () => {
  using of = makeDisks(TWO);
  for (const relname of numbers(60)) putBytes(of.cache, relname);
  const onB = numbers(60).filter((one) => of.cache.pathOf(one).includes("/b/"));
  expect(onB.length).toBeGreaterThan(LIMITS.diskUnreadMax + 1);
  const broken = onB.slice(0, LIMITS.diskUnreadMax);
  for (const relname of broken.slice(1)) of.cache.noteUnread(relname, errorOf("EIO"));
  await of.set.look();
  expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "well"]);
  for (const relname of onB.slice(0, LIMITS.diskUnreadMax)) {
    of.cache.noteUnread(relname, errorOf("EIO"));
    putBytes(of.cache, relname);
  }
  for (const relname of onB.slice(-LIMITS.diskUnreadMax)) {
    of.cache.noteUnread(relname, errorOf("EIO"));
  }
  await of.set.look();
  expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "failed"]);
  for (const relname of onB) {
    expect(putBytes(of.cache, relname)).toBe("published");
    expect(of.cache.pathOf(relname)).toContain("/a/");
  }
});

test("a disk that does not answer counts as failed until it has", async () => {
  using temp = makeTempDir();
  mkdirSync(join(temp.path, ".mir"));
  const path = identityPath(temp.path);
  // whoever opens it for reading waits for a writer
  Bun.spawnSync(["mkfifo", path]);
  const probe = makeProbe(temp.path, 20);
  const ask = (): ReturnType<typeof probe> => probe({ identity: "0123456789abcdef", journal: 0 });
  const late = { kind: "failed", why: "it has not answered for 20 ms" } as const;
  expect(await ask()).toEqual(late);
  expect(await ask()).toEqual(late);
  await until(async () => {
    // waits for no reader, and lets go of the one there is
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(fd, "fedcba9876543210\n");
    const answer = ask();
    closeSync(fd);
    return !Bun.deepEquals(await answer, late);
  }, "an answer");
});

test("a folder in the way of what is written to try a disk makes it unwritable", async () => {
  using temp = makeTempDir();
  mkdirSync(join(temp.path, ".mir", "tmp", "probe"), { recursive: true });
  writeFileSync(identityPath(temp.path), "0123456789abcdef\n");
  const wish = { identity: "0123456789abcdef", journal: 0 };
  expect(await makeProbe(temp.path)(wish)).toEqual({ kind: "unwritable", why: "EISDIR" });
  rmSync(join(temp.path, ".mir", "tmp", "probe"), { recursive: true });
  expect(await makeProbe(temp.path)(wish)).toEqual({ kind: "well" });
  expect(existsSync(join(temp.path, ".mir", "tmp", "probe"))).toBe(false);
  expect(await makeProbe(temp.path)({ ...wish, journal: 3 })).toEqual({ kind: "torn" });
});
