/** Uploads taken into custody: record and pin go together, whatever happens beside them. */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asFault } from "../../../src/base/fault.ts";
import { withdraw as takeBack, takeCustody } from "../../../src/content/custody.ts";
import { type Outbox, openOutbox } from "../../../src/content/outbox.ts";
import type { OutboxRecord } from "../../../src/content/outbox-record.ts";
import { type CacheDir, makeCacheDir } from "../../support/cache-dir.ts";
import { recordOf, uploadBytes } from "../../support/outbox-files.ts";
import { withdraw } from "../../support/tombstones.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const open: Disposable[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

interface Desk {
  readonly outbox: Outbox;
  readonly files: CacheDir;
  /** What became of it: "kept", or the code of the fault. */
  take(record: OutboxRecord, file: "fresh" | "found"): string;
  /** Puts the picture of a record into the cache. */
  publish(record: OutboxRecord, n: number, pinned: boolean): void;
}

function desk(recordsMax = 100): Desk {
  const files = makeCacheDir();
  open.push(files);
  const { cache } = files;
  const { log } = watchedParts();
  const outbox = openOutbox({ dir: join(files.dir, ".mir/outbox"), log, recordsMax });
  return {
    outbox,
    files,
    take(record, file) {
      try {
        takeCustody({ outbox, cache, tombstones: files.restored.tombstones }, { record, file });
        return "kept";
      } catch (error) {
        return asFault(error).code;
      }
    },
    publish(record, n, pinned) {
      const temp = cache.tempPath();
      writeFileSync(temp, uploadBytes(n));
      const reservation = cache.reserve(record.bytes);
      if (reservation === undefined) throw new Error("no room");
      expect(cache.publish(reservation, temp, record, { pinned })).toBe("published");
    },
  };
}

describe("custody", () => {
  test("of a new picture: listed in the outbox, pinned in the cache", () => {
    const { take, publish, outbox, files } = desk();
    publish(recordOf(1), 1, true);
    expect(take(recordOf(1), "fresh")).toBe("kept");
    expect(outbox.list()).toEqual([recordOf(1)]);
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });

  test("of one that is here already pins it", () => {
    const { take, publish, files } = desk();
    publish(recordOf(1), 1, false);
    expect(take(recordOf(1), "found")).toBe("kept");
    expect(take(recordOf(1), "found")).toBe("kept");
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });

  test("of one that went meanwhile is refused, and nothing is listed", () => {
    const { take, outbox } = desk();
    expect(take(recordOf(1), "found")).toBe("overloaded");
    expect(outbox.pending()).toBe(0);
  });

  test("with a full outbox is refused: a new file goes, one that was here stays unpinned", () => {
    const { take, publish, files } = desk(1);
    for (const n of [1, 2, 3]) publish(recordOf(n), n, n < 3);
    expect(take(recordOf(1), "fresh")).toBe("kept");
    expect(take(recordOf(2), "fresh")).toBe("overloaded");
    expect(take(recordOf(3), "found")).toBe("overloaded");
    const there = [1, 2, 3].map((n) => existsSync(join(files.dir, recordOf(n).relname)));
    expect(there).toEqual([true, false, true]);
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });

  test("a try that fails takes nothing from one that was kept", () => {
    const { take, publish, files } = desk(1);
    publish(recordOf(1), 1, true);
    expect(take(recordOf(1), "fresh")).toBe("kept");
    const other = recordOf(1, { sha256: "0".repeat(64) });
    expect(take(other, "found")).toBe("conflict");
    expect(take(other, "fresh")).toBe("conflict");
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });

  test("a pin that another try has taken away is put back", () => {
    const { take, publish, files } = desk();
    publish(recordOf(1), 1, true);
    files.cache.unpin(recordOf(1).relname);
    expect(take(recordOf(1), "fresh")).toBe("kept");
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });

  test("one id is one picture: under another ext it is a conflict, set aside or not", () => {
    const { take, publish, outbox, files } = desk();
    const png = recordOf(1, { relname: recordOf(1).relname.replace(/jpg$/, "png") });
    publish(recordOf(1), 1, true);
    publish(png, 1, true);
    expect(take(recordOf(1), "fresh")).toBe("kept");
    expect(take(png, "fresh")).toBe("conflict");
    expect(existsSync(join(files.dir, png.relname))).toBe(false);
    outbox.setAside(recordOf(1).relname);
    publish(png, 1, true);
    expect(take(png, "fresh")).toBe("conflict");
    expect(files.cache.pinned()).toEqual([recordOf(1).relname]);
  });
});

describe("a purge with the original", () => {
  const NOW = Math.floor(Date.now() / 1000);
  const before = (n: number): OutboxRecord => recordOf(n, { modified: NOW - 10 });
  const after = (n: number): OutboxRecord => recordOf(n, { modified: NOW + 10 });

  test("takes back what was uploaded before it, on its way or set aside, and unpins it", () => {
    const { take, publish, outbox, files } = desk();
    for (const n of [1, 2, 3]) {
      publish(before(n), n, true);
      take(before(n), "fresh");
    }
    outbox.setAside(before(2).relname);
    const { cache } = files;
    expect(takeBack({ outbox, cache }, withdraw("upload1", NOW))).toBe(1);
    expect(takeBack({ outbox, cache }, withdraw("upload2", NOW))).toBe(1);
    expect(takeBack({ outbox, cache }, withdraw("upload4", NOW))).toBe(0);
    expect([outbox.list(), outbox.aside()]).toEqual([[before(3)], []]);
    expect(files.cache.pinned()).toEqual([before(3).relname]);
  });

  test("leaves what was uploaded after it", () => {
    const { take, publish, outbox, files } = desk();
    publish(after(1), 1, true);
    take(after(1), "fresh");
    expect(takeBack({ outbox, cache: files.cache }, withdraw("upload1", NOW))).toBe(0);
    expect(outbox.list()).toEqual([after(1)]);
  });

  test("refuses what was uploaded before it and arrives later; its file goes", () => {
    const { take, publish, files, outbox } = desk();
    files.restored.tombstones.apply([withdraw("upload1", NOW)]);
    publish(before(1), 1, true);
    expect(take(before(1), "fresh")).toBe("withdrawn");
    expect(existsSync(join(files.dir, before(1).relname))).toBe(false);
    expect(outbox.pending()).toBe(0);
    publish(after(1), 1, true);
    expect(take(after(1), "fresh")).toBe("kept");
  });
});
