/** A node that starts again: what it finds, what it drops, and what it never touches. */

import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { createCacheMemory } from "../../../src/cache/memory.ts";
import { restoreCache } from "../../../src/cache/restore.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  filesBelow,
  makeCacheDir,
  metaOf,
  put,
  putBytes,
  relnameOfNumber,
  SIZES,
  walkBytes,
} from "../../support/cache-dir.ts";
import { expectSound } from "../../support/sound.ts";

const A = "vi/ra/l1/md/viral123.jpg";
const B = "vi/ra/l1/sm/viral123.webp";
const C = "ab/cd/ef/orig/abcdefgh.png";

function journalOf(made: CacheDir): string {
  const name = readdirSync(join(made.dir, ".mir")).find((found) => found.startsWith("journal."));
  return join(made.dir, ".mir", name ?? "journal.missing");
}

describe("after a stop", () => {
  test("every variant is there with its meta, its facts and nothing that was forgotten", () => {
    using made = makeCacheDir();
    const meta = metaOf(A, 5000, { modified: 7, lossySteps: 2 });
    put(made.cache, meta);
    putBytes(made.cache, B);
    putBytes(made.cache, C);
    const facts = { width: 10, height: 20, alpha: true, animated: true };
    made.cache.learn(A, facts);
    made.cache.forget(C);
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 2, dropped: 0, unlinked: 0, garbage: 0 });
    expect(again.restored.bytes).toBe(walkBytes(made.dir));
    expect(again.cache.look(A)).toEqual({ ...meta, facts });
    expect(again.cache.look(C)).toBeUndefined();
    expectSound(again);
  });

  test("a clean one leaves a checkpoint and no journal, and the next start finds all of it", () => {
    using made = makeCacheDir();
    for (let n = 0; n < 50; n++) putBytes(made.cache, relnameOfNumber(n));
    const facts = { width: 10, height: 20, alpha: true, animated: true };
    made.cache.learn(relnameOfNumber(7), facts);
    made.cache.forget(relnameOfNumber(8));
    made.save();
    expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
    const left = filesBelow(join(made.dir, ".mir"));
    expect(left.filter((name) => name.startsWith("journal"))).toEqual([]);
    expect(left).toContain("checkpoint");
    using again = made.restart();
    expect(again.restored).toMatchObject({ state: "clean", variants: 49, dropped: 0, unlinked: 0 });
    expect(again.cache.look(relnameOfNumber(7))?.facts).toEqual(facts);
    expect(again.cache.look(relnameOfNumber(8))).toBeUndefined();
    expectSound(again);
  });

  test("temporary files are gone, and only this node may read what lies below .mir", () => {
    using made = makeCacheDir();
    writeFileSync(made.cache.tempPath(), "half a picture");
    using again = made.restart();
    expect(readdirSync(join(again.dir, ".mir/tmp"))).toEqual([]);
    expect(statSync(join(again.dir, ".mir")).mode & 0o777).toBe(0o700);
  });
});

describe("after a crash", () => {
  test("a file without a record is unlinked", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    const stray = join(made.dir, C);
    mkdirSync(dirname(stray), { recursive: true });
    writeFileSync(stray, "who wrote this?");
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 1, unlinked: 1 });
    expect(existsSync(stray)).toBe(false);
    expect(existsSync(join(made.dir, "ab"))).toBe(false);
    expectSound(again);
  });

  test("a record without its file is dropped", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    putBytes(made.cache, B);
    unlinkSync(made.cache.pathOf(A));
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 1, dropped: 1, unlinked: 0 });
    expect(again.cache.look(A)).toBeUndefined();
    expectSound(again);
  });

  test("a file of another length than its record is set aside, and counted", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A, 5000);
    truncateSync(made.cache.pathOf(A), 4999);
    using again = made.restart();
    expect(again.restored).toMatchObject({ damaged: 1, dropped: 0, unlinked: 0 });
    expect(again.cache.look(A)).toBeUndefined();
    expect(again.counters()["corrupt"]).toBe(1);
    expect(filesBelow(join(again.dir, ".mir/damaged"))).toEqual(["md-viral123.jpg"]);
    expectSound(again);
  });

  test("a torn last record costs its own variant only, also when the node wrote on after it", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    putBytes(made.cache, B);
    const path = journalOf(made);
    truncateSync(path, statSync(path).size - 5);
    putBytes(made.cache, C);
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 2, unlinked: 1, garbage: 1 });
    expect(again.cache.look(A)).toBeDefined();
    expect(again.cache.look(B)).toBeUndefined();
    expect(again.cache.look(C)).toBeDefined();
    expect(again.logged.some((one) => one.event === "cache.journal_garbage")).toBe(true);
    expectSound(again);
  });

  test("garbage, changed digits and endless lines in the journal are skipped and counted", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    const path = journalOf(made);
    const record = readFileSync(path, "latin1");
    appendFileSync(path, Buffer.alloc(3 << 20, 0xa5));
    appendFileSync(path, `\n\n\0\0\n${"x".repeat(LIMITS.journalRecordBytesMax * 3)}`);
    appendFileSync(path, record.replace(" 100 ", " 200 "));
    putBytes(made.cache, B);
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 2, garbage: 4 });
    expect(again.cache.look(A)?.bytes).toBe(100);
    expectSound(again);
  });

  test("between the record and the rename: the record is dropped", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    renameSync(made.cache.pathOf(A), made.cache.tempPath());
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 0, dropped: 1 });
    expectSound(again);
  });

  test("between the forgetting and the unlink: the file is unlinked", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    const content = readFileSync(made.cache.pathOf(A));
    made.cache.forget(A);
    mkdirSync(dirname(made.cache.pathOf(A)), { recursive: true });
    writeFileSync(made.cache.pathOf(A), content);
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 0, unlinked: 1 });
    expectSound(again);
  });

  test("without any journal every file of ours goes", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    unlinkSync(journalOf(made));
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 0, unlinked: 1 });
    expectSound(again);
  });
});

describe("what is not ours", () => {
  test("is left alone and said once", () => {
    using made = makeCacheDir();
    const foreign = [
      "README",
      "vi/ra/notes.txt",
      "vi/ra/l1/md/viral123.txt",
      "lost+found/x",
      "aa/bb/cc/md/zzyyxx.jpg",
    ];
    for (const name of foreign) {
      mkdirSync(dirname(join(made.dir, name)), { recursive: true });
      writeFileSync(join(made.dir, name), "mine");
    }
    symlinkSync("/etc/hostname", join(made.dir, "vi/ra/l1/md/viral999.jpg"));
    using again = made.restart();
    for (const name of foreign) expect(readFileSync(join(made.dir, name), "utf8")).toBe("mine");
    expect(existsSync(join(made.dir, "vi/ra/l1/md/viral999.jpg"))).toBe(true);
    const said = again.logged.filter((one) => one.event === "cache.foreign_files");
    expect(said.length).toBe(1);
    expect(said[0]?.fields["count"]).toBe(6);
  });

  test("a second node on the same directory is refused with the pid of the first", () => {
    using made = makeCacheDir();
    const memory = createCacheMemory({ capacityBytes: 1 << 20, slots: 64, sizes: SIZES });
    const second = () =>
      restoreCache({ memory, dir: made.dir, log: silentLog, clock: systemClock });
    expect(second).toThrow(Fault);
    expect(second).toThrow(`pid ${process.pid}`);
  });

  test("a second process is refused, and let in once the first has gone without a word", async () => {
    using made = makeCacheDir();
    const script = `
      const { restoreCache } = await import("${import.meta.dir}/../../../src/cache/restore.ts");
      const { createCacheMemory } = await import("${import.meta.dir}/../../../src/cache/memory.ts");
      const { silentLog } = await import("${import.meta.dir}/../../../src/observe/log.ts");
      const { systemClock } = await import("${import.meta.dir}/../../../src/base/clock.ts");
      const memory = createCacheMemory({ capacityBytes: 1 << 20, slots: 64, sizes: ["orig"] });
      try {
        restoreCache({ memory, dir: process.argv[1], log: silentLog, clock: systemClock });
        process.stdout.write("mine ");
        await Bun.stdin.text();
      } catch (error) {
        process.stdout.write("refused: " + error.message);
      }`;
    const run = () =>
      Bun.spawn([process.execPath, "-e", script, made.dir], { stdin: "pipe", stdout: "pipe" });
    expect(await new Response(run().stdout).text()).toContain(`pid ${process.pid}`);
    made[Symbol.dispose]();
    mkdirSync(made.dir);
    const first = run();
    expect(new TextDecoder().decode((await first.stdout.getReader().read()).value)).toBe("mine ");
    expect(await new Response(run().stdout).text()).toContain(`pid ${first.pid}`);
    first.kill("SIGKILL");
    await first.exited;
    using again = made.restart();
    expect(again.restored.variants).toBe(0);
  });
});

describe("when the topology changed", () => {
  test("a lower capacity evicts, the least wanted first", () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    for (let n = 0; n < 100; n++) putBytes(made.cache, relnameOfNumber(n), 4096);
    using again = made.restart({ capacityBytes: 256 << 10 });
    expect(again.cache.usage().bytes).toBeLessThanOrEqual(256 << 10);
    expect(again.cache.peek(relnameOfNumber(99))).toBeDefined();
    expect(again.cache.peek(relnameOfNumber(0))).toBeUndefined();
    expectSound(again);
  });

  test("a capacity for nothing keeps nothing, and says so", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    using again = made.restart({ capacityBytes: 8192 });
    expect(again.logged.some((one) => one.event === "cache.too_small")).toBe(true);
    expect(putBytes(again.cache, B)).toBe("no room");
    expect(checkIndex(again.memory).filter((error) => !error.includes("exceed"))).toEqual([]);
  });

  test("a smaller table drops what has no slot", () => {
    using made = makeCacheDir();
    for (let n = 0; n < 30; n++) putBytes(made.cache, relnameOfNumber(n));
    using again = made.restart({ slots: 32 });
    expect(again.restored).toMatchObject({ variants: 19, dropped: 11, unlinked: 11 });
    expectSound(again);
  });

  test("variants of sizes that are gone are unlinked", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    putBytes(made.cache, C);
    using again = made.restart({ sizes: ["orig", "tiny"] });
    expect(again.restored).toMatchObject({ variants: 1, dropped: 1, unlinked: 1 });
    expect(again.cache.look(C)).toBeDefined();
    expectSound(again);
  });
});
