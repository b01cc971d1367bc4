/** The file of tombstones: what is durable, what damage costs, how it stays short, who reads on from where. */

import { describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { TOMBSTONE_LIFE_SECONDS } from "../../../src/cache/tombstone-table.ts";
import type { TempDir } from "../../support/temp-dir.ts";
import { block, emptyDir, NOW, openAt, purge, unblock } from "../../support/tombstones.ts";

describe("the file", () => {
  const path = (dir: TempDir): string => join(dir.path, ".mir/tombstones");

  test("is not there before the first order, and brings everything back after a restart", () => {
    using dir = emptyDir();
    const first = openAt(dir, { seconds: NOW }).tombstones;
    expect(existsSync(path(dir))).toBe(false);
    first.apply([purge("harbour"), block("statue1")]);
    first.apply([purge("harbour", NOW + 3), unblock("meadow1", NOW + 4)]);
    const again = openAt(dir, { seconds: NOW + 4 });
    for (const id of ["harbour", "statue1", "meadow1"]) {
      expect(again.tombstones.get(id)).toEqual(first.get(id) ?? expect.unreachable());
    }
    expect(() => again.purged.refuseBlocked("statue1")).toThrow();
    expect(again.purged.stamp("harbour")).toBe(NOW + 3);
    expect(again.tombstones.unswept).toEqual(["statue1", "harbour"]);
    expect(openAt(dir, { seconds: NOW + 8 }).tombstones.unswept).toEqual([]);
  });

  test("loses a torn last line only, says so, and goes on", () => {
    using dir = emptyDir();
    openAt(dir, { seconds: NOW }).tombstones.apply([purge("harbour")]);
    const whole = readFileSync(path(dir)).length;
    openAt(dir, { seconds: NOW }).tombstones.apply([purge("meadow1")]);
    truncateSync(path(dir), whole + 20);
    const torn = openAt(dir, { seconds: NOW });
    expect(torn.tombstones.get("harbour")).toBeDefined();
    expect(torn.tombstones.get("meadow1")).toBeUndefined();
    expect(torn.lines.join()).toContain("tombstone_garbage");
    torn.tombstones.apply([purge("meadow1")]);
    expect(openAt(dir, { seconds: NOW }).tombstones.get("meadow1")).toBeDefined();
  });

  test("may hold anything: what is no line of ours is dropped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (garbage) => {
        using dir = emptyDir();
        openAt(dir, { seconds: NOW }).tombstones.apply([purge("harbour")]);
        appendFileSync(path(dir), garbage);
        expect(openAt(dir, { seconds: NOW }).tombstones.get("harbour")?.purgedAt).toBe(NOW);
      }),
      { numRuns: 30 },
    );
  });

  test("is shortened at the start: what is over, and lines that others overtook, go", () => {
    using dir = emptyDir();
    const { tombstones } = openAt(dir, { seconds: NOW });
    for (let i = 0; i < 50; i++) tombstones.apply([purge("harbour", NOW + i)]);
    tombstones.apply([purge("ancient", NOW)]);
    const long = readFileSync(path(dir)).length;
    openAt(dir, { seconds: NOW + TOMBSTONE_LIFE_SECONDS });
    expect(readFileSync(path(dir)).length).toBeLessThan(long / 20);
    const again = openAt(dir, { seconds: NOW + TOMBSTONE_LIFE_SECONDS });
    expect(again.tombstones.get("harbour")?.purgedAt).toBe(NOW + 49);
    expect(again.tombstones.get("ancient")).toBeUndefined();
  });

  test("is shortened while the node runs, when an id is purged again and again", () => {
    using dir = emptyDir();
    const { tombstones } = openAt(dir, { seconds: NOW });
    const orders = Array.from({ length: 600 }, (_, i) => purge("harbour", NOW + i));
    for (const order of orders) tombstones.apply([order]);
    const lines = readFileSync(path(dir), "latin1").split("\n").filter(Boolean).length;
    expect(lines).toBeLessThan(200);
    expect(openAt(dir, { seconds: NOW }).tombstones.get("harbour")?.purgedAt).toBe(NOW + 599);
  });

  test("that cannot be written refuses the order, and nothing has changed", () => {
    using dir = emptyDir();
    const { tombstones, purged } = openAt(dir, { seconds: NOW });
    dir.write(".mir/tombstones/in-the-way", "");
    expect(() => tombstones.apply([block("harbour")])).toThrow();
    expect(tombstones.get("harbour")).toBeUndefined();
    purged.refuseBlocked("harbour");
  });
});

describe("what changed since", () => {
  test("is told from where the reader left off, page by page, each id once", () => {
    using dir = emptyDir();
    const { tombstones } = openAt(dir, { seconds: NOW });
    const ids = Array.from({ length: 10 }, (_, i) => `picture-${i}`);
    for (const id of ids) tombstones.apply([purge(id)]);
    tombstones.apply([purge("picture-0", NOW + 1)]);
    const seen: string[] = [];
    let point = { log: "", seq: 0 };
    for (let more = true; more; ) {
      const page = tombstones.since(point, 4);
      seen.push(...page.states.map(({ id }) => id));
      point = { log: page.log, seq: page.seq };
      ({ more } = page);
    }
    expect(seen).toEqual([...ids.slice(1), "picture-0"]);
    expect(tombstones.since(point, 4).states).toEqual([]);
    tombstones.apply([purge("picture-5", NOW + 2)]);
    expect(tombstones.since(point, 4).states.map(({ id }) => id)).toEqual(["picture-5"]);
  });

  test("holds over a restart; a file of another name is read from its beginning", () => {
    using dir = emptyDir();
    const { tombstones } = openAt(dir, { seconds: NOW });
    tombstones.apply([purge("harbour")]);
    const { log, seq } = tombstones.since({ log: "", seq: 0 }, 10);
    const again = openAt(dir, { seconds: NOW }).tombstones;
    expect(again.since({ log, seq }, 10).states).toEqual([]);
    again.apply([purge("meadow1")]);
    expect(again.since({ log, seq }, 10).states).toHaveLength(1);
    expect(again.since({ log: "0".repeat(16), seq: 99 }, 10).states).toHaveLength(2);
    writeFileSync(join(dir.path, ".mir/tombstones"), "");
    expect(openAt(dir, { seconds: NOW }).tombstones.since({ log, seq }, 1).log).not.toBe(log);
  });
});
