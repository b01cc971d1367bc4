/** What a cache promises to the rest of the node, one thread at a time. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../../src/base/limits.ts";
import { relnameOf } from "../../../src/base/variant.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import {
  filesBelow,
  makeCacheDir,
  metaOf,
  put,
  putBytes,
  variantsBelow,
  walkBytes,
} from "../../support/cache-dir.ts";

const A = "vi/ra/l1/md/viral123.jpg";
const B = "vi/ra/l1/sm/viral123.webp";

describe("a published variant", () => {
  test("is found with exactly the meta it was published with", () => {
    using made = makeCacheDir();
    const meta = metaOf(A, 5000, {
      validator: "00ff10a0deadbeef",
      modified: 4_000_000_000,
      facts: { width: 65_535, height: 1, alpha: true, animated: true },
      lossySteps: 2,
    });
    expect(put(made.cache, meta)).toBe("published");
    expect(made.cache.look(A)).toEqual(meta);
    expect(made.cache.peek(A)).toEqual(meta);
    expect(readFileSync(made.cache.pathOf(A)).length).toBe(5000);
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("is found by another worker", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    const other = made.open(1);
    expect(other.look(A)?.bytes).toBe(100);
    other.close();
  });

  test("is told from its other sizes, formats and from names that differ in one character", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    for (const other of [
      B,
      A.replace("jpg", "png"),
      A.replaceAll("123", "124"),
      `/${A}`,
      "",
      "x",
    ]) {
      expect(made.cache.look(other)).toBeUndefined();
    }
  });

  test("stays as it is when it is published again", () => {
    using made = makeCacheDir();
    put(made.cache, metaOf(A, 100));
    expect(put(made.cache, metaOf(A, 200))).toBe("already");
    expect(made.cache.look(A)?.bytes).toBe(100);
    expect(statSync(made.cache.pathOf(A)).size).toBe(100);
    expect(filesBelow(join(made.dir, ".mir/tmp"))).toEqual([]);
    expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
  });

  test("learns the facts of its original", () => {
    using made = makeCacheDir();
    put(made.cache, metaOf(A, 100, { lossySteps: 3 }));
    const facts = { width: 4000, height: 3000, alpha: true, animated: false };
    made.cache.learn(A, facts);
    made.cache.learn(B, facts);
    made.cache.learn(A, { ...facts, width: LIMITS.pictureSideMax + 1 });
    expect(made.cache.look(A)).toMatchObject({ facts, lossySteps: 3 });
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("may be empty, or carry the longest id in the largest size of a name", () => {
    using made = makeCacheDir();
    for (const chars of [6, 20, 21, 22, 32, 33, 64, 95, 96]) {
      const id = "Az09_-".repeat(16).slice(0, chars);
      const relname = relnameOf({ id, size: "orig", ext: "heic" });
      expect(putBytes(made.cache, relname, chars - 6)).toBe("published");
      expect(made.cache.look(relname)?.bytes).toBe(chars - 6);
      expect(existsSync(made.cache.pathOf(relname))).toBe(true);
    }
    expect(checkIndex(made.memory)).toEqual([]);
  });
});

describe("a forgotten variant", () => {
  test("is gone with its file, and can be published again", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    expect(made.cache.forget(A)).toBe(true);
    expect(made.cache.look(A)).toBeUndefined();
    expect(existsSync(made.cache.pathOf(A))).toBe(false);
    expect(made.cache.forget(A)).toBe(false);
    expect(putBytes(made.cache, A, 300)).toBe("published");
    expect(made.cache.look(A)?.bytes).toBe(300);
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("may have lost its file before", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    unlinkSync(made.cache.pathOf(A));
    expect(made.cache.forget(A)).toBe(true);
    expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
  });
});

describe("publishing is refused, the reservation given back and the temporary file removed", () => {
  const cases: readonly (readonly [string, Parameters<typeof metaOf>])[] = [
    ["when the file is shorter than its meta says", [A, 101]],
    ["when the name is not a relname", ["../../../etc/passwd", 100]],
    ["when the name begins with a slash", [`/${A}`, 100]],
    ["when the size is not of this topology", ["vi/ra/l1/huge/viral123.jpg", 100]],
    ["when the validator is not 16 hex digits", [A, 100, { validator: "xyz" }]],
    ["when the time is out of range", [A, 100, { modified: -1 }]],
    [
      "when a side is out of range",
      [A, 100, { facts: { width: 70_000, height: 1, alpha: false, animated: false } }],
    ],
    ["when the lossy steps are no number", [A, 100, { lossySteps: Number.NaN }]],
  ];
  for (const [name, args] of cases) {
    test(name, () => {
      using made = makeCacheDir();
      const room = made.cache.reserve(5000);
      const path = made.cache.tempPath();
      writeFileSync(path, Buffer.alloc(100));
      if (room === undefined) throw new Error("no room");
      expect(made.cache.publish(room, path, metaOf(...args))).toBe("refused");
      expect(made.logged.at(-1)?.event).toBe("cache.refused");
      expect(room.bytes).toBe(0);
      expect(existsSync(path)).toBe(false);
      expect(variantsBelow(made.dir)).toEqual([]);
      expect(made.cache.usage()).toMatchObject({
        variants: 0,
        reservedBytes: 0,
        bytes: walkBytes(made.dir),
      });
      expect(checkIndex(made.memory)).toEqual([]);
    });
  }

  test("when the reservation was released, published or belongs to another worker", () => {
    using made = makeCacheDir();
    const other = made.open(1);
    const publish = (room: ReturnType<typeof other.reserve>) => {
      const path = made.cache.tempPath();
      writeFileSync(path, Buffer.alloc(100));
      if (room === undefined) throw new Error("no room");
      return made.cache.publish(room, path, metaOf(A, 100));
    };
    const released = made.cache.reserve(100);
    released?.release();
    expect(publish(released)).toBe("refused");
    expect(publish(other.reserve(100))).toBe("refused");
    const used = made.cache.reserve(100);
    expect(publish(used)).toBe("published");
    made.cache.forget(A);
    expect(publish(used)).toBe("refused");
    other.close();
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("when the temporary file is missing", () => {
    using made = makeCacheDir();
    using room = made.cache.reserve(100);
    if (room === undefined) throw new Error("no room");
    expect(made.cache.publish(room, made.cache.tempPath(), metaOf(A, 100))).toBe("refused");
  });

  test("when its folder cannot be made, and the name stays free", () => {
    using made = makeCacheDir();
    writeFileSync(join(made.dir, "vi"), "in the way");
    expect(putBytes(made.cache, A)).toBe("refused");
    expect(made.logged.at(-1)?.event).toBe("cache.publish_failed");
    expect(filesBelow(join(made.dir, ".mir/tmp"))).toEqual([]);
    unlinkSync(join(made.dir, "vi"));
    expect(putBytes(made.cache, A)).toBe("published");
    expect(checkIndex(made.memory)).toEqual([]);
  });
});

test("temporary names are never given twice, not even to a worker that starts again", () => {
  using made = makeCacheDir();
  const names = [made.open(1), made.open(1), made.open(2)].flatMap((cache) => [
    cache.tempPath(),
    cache.tempPath(),
  ]);
  expect(new Set(names).size).toBe(names.length);
});
