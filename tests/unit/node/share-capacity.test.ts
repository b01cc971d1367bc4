/** How a server's capacity is shared among its directories. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeKnownDisks } from "../../../src/cache/known-disks.ts";
import { shareCapacity } from "../../../src/node/share-capacity.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const GiB = 2 ** 30;

function fileSystem(dir: string): number {
  const { blocks, bsize } = statfsSync(dir);
  return blocks * bsize;
}

describe("a capacity", () => {
  test("is all of a single directory's", () => {
    using temp = makeTempDir();
    const place = { cacheDir: temp.path, cacheDirs: [temp.path], capacityBytes: 5 * GiB };
    expect(shareCapacity(place)).toEqual([{ dir: temp.path, capacityBytes: 5 * GiB }]);
  });

  test("that is not given is 90 % of each file system, in equal parts where they share one", () => {
    using temp = makeTempDir();
    const cacheDirs = [join(temp.path, "a"), join(temp.path, "b")];
    const shares = shareCapacity({ cacheDir: temp.path, cacheDirs, capacityBytes: undefined });
    const each = Math.floor((fileSystem(temp.path) * 0.9) / 2);
    for (const { capacityBytes } of shares) {
      expect(Math.abs(capacityBytes - each)).toBeLessThan(4096);
    }
  });

  test("is shared in proportion to file systems; of one that is not mounted, as it was last seen", () => {
    using temp = makeTempDir();
    const [a, b] = [join(temp.path, "a"), join(temp.path, "b")];
    for (const dir of [a, b]) mkdirSync(dir);
    mkdirSync(join(temp.path, ".mir"));
    const fileSystemBytes = fileSystem(a) * 3;
    writeKnownDisks(temp.path, new Map([[b, { identity: "x", fileSystemBytes }]]));
    const place = { cacheDir: temp.path, cacheDirs: [a, b], capacityBytes: 8 * GiB };
    expect(shareCapacity(place)).toEqual([
      { dir: a, capacityBytes: 2 * GiB },
      { dir: b, capacityBytes: 6 * GiB },
    ]);
  });

  test("counts one that cannot be looked at like the others", () => {
    using temp = makeTempDir();
    writeFileSync(join(temp.path, "b"), "in the way");
    const cacheDirs = ["a", "b", "c"].map((name) => join(temp.path, name));
    const shares = shareCapacity({ cacheDir: temp.path, cacheDirs, capacityBytes: 8 * GiB });
    expect(shares.map(({ capacityBytes }) => capacityBytes)).toEqual([2 * GiB, 4 * GiB, 2 * GiB]);
  });

  test("cannot be had of an only one that cannot be looked at", () => {
    using temp = makeTempDir();
    writeFileSync(join(temp.path, "b"), "in the way");
    const dir = join(temp.path, "b", "c");
    const place = { cacheDir: dir, cacheDirs: [dir], capacityBytes: undefined };
    expect(() => shareCapacity(place)).toThrow();
  });
});
