/** One cache over several directories. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRelname } from "../../../src/base/variant.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { setDiskState } from "../../../src/cache/disk-state.ts";
import { makePlaces } from "../../../src/cache/places.ts";
import { openView } from "../../../src/cache/view.ts";
import {
  filesBelow,
  metaOf,
  putBytes,
  relnameOfNumber,
  variantsBelow,
} from "../../support/cache-dir.ts";
import { countsOf, makeDisks, numbers } from "../../support/disk-set.ts";

const MiB = 1 << 20;
const TWO = { dirs: { a: 4 * MiB, b: 4 * MiB } };
const THREE = { dirs: { a: 2 * MiB, b: 2 * MiB, c: 4 * MiB } };

describe("the place of a content id", () => {
  const dirs = [
    { dir: "/a", weight: 1 },
    { dir: "/b", weight: 1 },
    { dir: "/c", weight: 2 },
  ];
  const ids = Array.from({ length: 20_000 }, (_, n) => `picture-${n}`);

  test("falls to each directory by its weight", () => {
    const places = makePlaces(dirs);
    const counts = [0, 0, 0];
    for (const id of ids) {
      const [at = 0] = places.order(id);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts.map((count) => Math.round((count / ids.length) * 40))).toEqual([10, 10, 20]);
  });

  test("moves only from a directory that goes, by weight to the others", () => {
    const places = makePlaces(dirs);
    const without = makePlaces(dirs.slice(0, 2));
    for (const id of ids.slice(0, 2000)) {
      const order = places.order(id);
      expect(without.order(id)).toEqual(order.filter((at) => at !== 2));
      expect(places.first(id, () => true)).toBe(order[0] ?? -1);
      expect(places.first(id, (at) => at !== order[0])).toBe(order[1] ?? -1);
    }
    expect(places.first("id", () => false)).toBe(-1);
  });

  test("does not ask for the order in which directories are named", () => {
    const turned = makePlaces([...dirs].reverse());
    for (const id of ids.slice(0, 500)) {
      expect(turned.order(id).map((at) => 2 - at)).toEqual([...makePlaces(dirs).order(id)]);
    }
  });
});

describe("several directories", () => {
  test("share what is kept by their capacity, each variant on the disk where it was written", () => {
    using of = makeDisks(THREE);
    for (const relname of numbers(200)) expect(putBytes(of.cache, relname)).toBe("published");
    const counts = countsOf(of);
    expect((counts["a"] ?? 0) + (counts["b"] ?? 0) + (counts["c"] ?? 0)).toBe(200);
    expect(counts["c"]).toBeGreaterThan(counts["a"] ?? 200);
    expect(counts["a"]).toBeGreaterThan(20);
    for (const relname of numbers(200)) {
      expect(of.cache.look(relname)?.bytes).toBe(100);
      expect(readFileSync(of.cache.pathOf(relname)).length).toBe(100);
    }
    expect(of.cache.usage()).toMatchObject({ variants: 200, capacityBytes: 8 * MiB });
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "well", "well"]);
  });

  test("all variants of an id lie on one disk, and so do their temporary files", () => {
    using of = makeDisks(THREE);
    for (let n = 0; n < 40; n++) {
      const paths = ["xs", "md", "lg"].map((size) => {
        const relname = relnameOfNumber(n, size);
        expect(putBytes(of.cache, relname)).toBe("published");
        return of.cache.pathOf(relname);
      });
      const dirs = new Set(paths.map((path) => path.slice(0, of.root.length + 2)));
      expect(dirs.size).toBe(1);
      expect(of.cache.tempPath(relnameOfNumber(n))).toStartWith([...dirs][0] ?? "none");
    }
  });

  test("are listed, each variant once, page by page", () => {
    using of = makeDisks(THREE);
    const relnames = numbers(120);
    for (const relname of relnames) putBytes(of.cache, relname);
    const found: string[] = [];
    let pages = 0;
    for (let from: number | undefined = 0; from !== undefined; pages++) {
      const { metas, next } = of.cache.list(from, 500);
      found.push(...metas.map(({ relname }) => relname));
      from = next;
    }
    expect(found.sort()).toEqual(relnames.sort());
    expect(pages).toBe(15);
  });

  test("evict within their own capacity", () => {
    using of = makeDisks(THREE);
    for (const relname of numbers(300)) putBytes(of.cache, relname, 60_000);
    for (const { memory } of of.disks) expect(checkIndex(memory)).toEqual([]);
    for (const { bytes, capacityBytes } of of.cache.disks()) {
      expect(bytes).toBeLessThanOrEqual(capacityBytes);
      expect(bytes).toBeGreaterThan(capacityBytes / 2);
    }
  });

  test("forget what is purged wherever it lies, twice where it lies twice", () => {
    using of = makeDisks(TWO);
    const relname = relnameOfNumber(1);
    putBytes(of.cache, relname);
    const home = of.cache.pathOf(relname);
    const disk = of.disks.find(({ dir }) => home.startsWith(dir));
    if (disk === undefined) throw new Error("nowhere");
    setDiskState(openView(disk.memory), "failed");
    expect(of.cache.look(relname)).toBeUndefined();
    expect(putBytes(of.cache, relname)).toBe("published");
    setDiskState(openView(disk.memory), "well");
    expect(countsOf(of)).toEqual({ a: 1, b: 1 });
    const { id = "", size = "", ext = "" } = parseRelname(relname) ?? {};
    expect(of.cache.namesHere(id)).toEqual([{ size, ext }]);
    expect(of.cache.forget(relname)).toBe(true);
    expect(countsOf(of)).toEqual({ a: 0, b: 0 });
    expect(of.cache.forget(relname)).toBe(false);
  });

  test("keep uploads that have no id yet anywhere, and find, pin and unpin them there", () => {
    using of = makeDisks(THREE);
    for (let n = 0; n < 60; n++) {
      using room = of.cache.reserve(100);
      const file = room && of.cache.openTemp(room);
      if (room === undefined || file === undefined) throw new Error("no room");
      of.cache.writeTemp(file, Buffer.alloc(100, 1), 0);
      const meta = metaOf(relnameOfNumber(n, "orig"), 100);
      expect(of.cache.publish(room, file.path, meta, { pinned: true })).toBe("published");
    }
    expect(Object.values(countsOf(of)).every((count) => count > 3)).toBe(true);
    expect(of.cache.pinned().length).toBe(60);
    for (let n = 0; n < 60; n++) {
      const relname = relnameOfNumber(n, "orig");
      expect(of.cache.look(relname)).toBeDefined();
      expect(of.cache.pin(relname)).toBe(true);
      expect(existsSync(of.cache.pathOf(relname))).toBe(true);
      expect(of.cache.unpin(relname)).toBe(true);
    }
    expect(of.cache.pinned()).toEqual([]);
  });

  test("come back after a restart, whatever order they are named in", () => {
    using of = makeDisks(THREE);
    for (const relname of numbers(100)) putBytes(of.cache, relname);
    const before = countsOf(of);
    using again = of.restart();
    expect(countsOf(again)).toEqual(before);
    for (const relname of numbers(100)) expect(again.cache.look(relname)).toBeDefined();
  });

  test("may leave the node's own files to a directory of their own", () => {
    using of = makeDisks({ ...TWO, home: "own" });
    for (const relname of numbers(20)) putBytes(of.cache, relname);
    expect(variantsBelow(join(of.root, "own"))).toEqual([]);
    expect(filesBelow(join(of.root, "own"))).toContain(".mir/disks");
    of.set.tombstones.apply([{ id: "gone-id", purgedAt: 1_900_000_000, action: "purge" }]);
    expect(filesBelow(join(of.root, "own"))).toContain(".mir/tombstones");
    for (const { memory } of of.disks) expect(checkIndex(memory)).toEqual([]);
  });
});
