/** The outbox: what was acknowledged is there after any stop, once, and nothing else is. */

import { describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../../src/base/limits.ts";
import { type Outbox, openOutbox } from "../../../src/content/outbox.ts";
import { recordOf, uploadName } from "../../support/outbox-files.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const A = uploadName(1);

function openAt(dir: string, recordsMax?: number): Outbox & { readonly lines: readonly string[] } {
  const { log, lines } = watchedParts();
  const more = recordsMax === undefined ? {} : { recordsMax };
  return { ...openOutbox({ dir: join(dir, "outbox"), log, ...more }), lines };
}

const filesIn = (dir: string): string[] => readdirSync(join(dir, "outbox")).sort();

describe("a record", () => {
  test("is there, exactly, once it was added, and after a restart", () => {
    using dir = makeTempDir();
    const record = recordOf(1, {
      next: "level",
      facts: { width: 3, height: 4, alpha: true, animated: false },
    });
    const outbox = openAt(dir.path);
    outbox.add(record);
    expect(outbox.pending()).toBe(1);
    expect(openAt(dir.path).list()).toEqual([record]);
    expect(openAt(dir.path).get(A)).toEqual(record);
  });

  test("is a JSON file that only the node may read", () => {
    using dir = makeTempDir();
    openAt(dir.path).add(recordOf(1));
    expect(filesIn(dir.path)).toEqual(["aside", "upload1.jpg.json"]);
    const path = join(dir.path, "outbox/upload1.jpg.json");
    expect(JSON.parse(readFileSync(path, "utf8")).record.relname).toBe(A);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("is gone once it was removed, also after a restart", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    outbox.add(recordOf(1));
    outbox.remove(A);
    outbox.remove(A);
    expect(outbox.list()).toEqual([]);
    expect(openAt(dir.path).list()).toEqual([]);
  });

  test("stays as it is when the same bytes are added again; other bytes are a conflict", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    outbox.add(recordOf(1));
    outbox.add(recordOf(1, { createdAt: 1 }));
    expect(outbox.list()).toEqual([recordOf(1)]);
    expect(() => outbox.add(recordOf(1, { sha256: "0".repeat(64) }))).toThrow("other bytes");
    outbox.setAside(A);
    expect(() => outbox.add(recordOf(1, { sha256: "0".repeat(64) }))).toThrow("other bytes");
  });

  test("is written again where its folder was removed and its picture was not, else lost and told", () => {
    using dir = makeTempDir();
    const folder = join(dir.path, "outbox");
    const { log, lines } = watchedParts();
    const lost: string[] = [];
    let files = 0;
    const outbox = openOutbox({
      ...{ dir: folder, log, isKept: (relname) => relname === A },
      lost: ({ relname }) => void lost.push(relname),
      filesChanged: (count) => (files += count),
    });
    for (const n of [1, 2]) outbox.add(recordOf(n));
    outbox.look();
    expect(lines).toEqual([]);
    rmSync(folder, { recursive: true });
    outbox.add(recordOf(3));
    expect(filesIn(dir.path)).toEqual(["aside", "upload1.jpg.json", "upload3.jpg.json"]);
    expect(lost).toEqual([uploadName(2)]);
    expect([outbox.pending(), files]).toEqual([2, 2]);
    expect(lines.join("")).toContain("pending=2 written=1 lost=1");
    expect(outbox.trouble()).toBeUndefined();
  });

  test("that cannot be written is told, and what cannot be mended too", () => {
    using dir = makeTempDir();
    const { lines, ...outbox } = openAt(join(dir.path, "above"));
    rmSync(join(dir.path, "above"), { recursive: true });
    expect(() => outbox.add(recordOf(1))).toThrow("cannot write to its disk");
    expect(lines.join("")).toContain("outbox.not_written");
    expect(outbox.trouble()).toContain("above/outbox cannot be written: ENOENT");
    mkdirSync(join(dir.path, "above"));
    outbox.add(recordOf(1));
    expect(outbox.trouble()).toBeUndefined();
  });

  test("that could not be read back is not added", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    for (const more of [
      { relname: "up/lo/ad/md/upload1.jpg" },
      { relname: "../../../etc/passwd" },
      { sha256: "abc" },
      { validator: "" },
      { bytes: LIMITS.originalBytesMax + 1 },
      { bytes: 0.5 },
    ]) {
      expect(() => outbox.add(recordOf(1, more))).toThrow();
    }
    expect(outbox.pending()).toBe(0);
    expect(filesIn(dir.path)).toEqual(["aside"]);
  });
});

describe("the outbox", () => {
  test("lists the oldest first, whatever the order of the files", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    for (const [n, createdAt] of [
      [1, 300],
      [2, 100],
      [3, 200],
    ] as const) {
      outbox.add(recordOf(n, { createdAt }));
    }
    const names = openAt(dir.path)
      .list()
      .map((record) => record.relname);
    expect(names).toEqual([uploadName(2), uploadName(3), uploadName(1)]);
  });

  test("holds a limited number, those set aside included", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path, 3);
    outbox.add(recordOf(1));
    outbox.add(recordOf(2));
    outbox.setAside(A);
    expect(outbox.full()).toBe(false);
    outbox.add(recordOf(3));
    expect(outbox.full()).toBe(true);
    expect(() => outbox.add(recordOf(4))).toThrow("too many uploads");
    outbox.add(recordOf(3));
    outbox.remove(uploadName(3));
    outbox.add(recordOf(4));
    expect(outbox.pending()).toBe(2);
    expect(LIMITS.outboxMax).toBeGreaterThanOrEqual(1000);
  });

  test("keeps what was set aside, over restarts, until it is added again", () => {
    using dir = makeTempDir();
    openAt(dir.path).add(recordOf(1));
    openAt(dir.path).setAside(A);
    const again = openAt(dir.path);
    expect(again.pending()).toBe(0);
    expect(again.aside()).toEqual([recordOf(1)]);
    again.add(recordOf(1));
    expect(again.aside()).toEqual([]);
    expect(openAt(dir.path).list()).toEqual([recordOf(1)]);
    expect(openAt(dir.path).aside()).toEqual([]);
  });

  test("tells who listens that there is something to do", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    let told = 0;
    outbox.onAdd(() => told++);
    outbox.add(recordOf(1));
    expect(told).toBe(1);
  });
});

test("files that came and went are told, so that the cache can account them", () => {
  using dir = makeTempDir();
  const { log } = watchedParts();
  let files = 0;
  const outbox = openOutbox({ dir: dir.path, log, filesChanged: (count) => (files += count) });
  const told = (step: () => void): number => {
    step();
    return files;
  };
  expect(told(() => outbox.add(recordOf(1)))).toBe(1);
  expect(told(() => outbox.add(recordOf(1)))).toBe(1);
  expect(told(() => outbox.setAside(A))).toBe(1);
  expect(told(() => outbox.add(recordOf(1)))).toBe(1);
  expect(told(() => outbox.remove(A))).toBe(0);
});

describe("at a start", () => {
  test("one that was being taken back from those set aside waits, once", () => {
    using dir = makeTempDir();
    openAt(dir.path).add(recordOf(1));
    const path = join(dir.path, "outbox/upload1.jpg.json");
    writeFileSync(join(dir.path, "outbox/aside/upload1.jpg.json"), readFileSync(path));
    const again = openAt(dir.path);
    expect([again.pending(), again.aside().length]).toEqual([1, 0]);
    expect(readdirSync(join(dir.path, "outbox/aside"))).toEqual([]);
  });

  test("temporary files are removed: nobody was told of them", () => {
    using dir = makeTempDir();
    openAt(dir.path).add(recordOf(1));
    writeFileSync(join(dir.path, "outbox/upload2.jpg.json.tmp"), '{"xxh64":"');
    expect(openAt(dir.path).pending()).toBe(1);
    expect(filesIn(dir.path)).toEqual(["aside", "upload1.jpg.json"]);
  });

  test("files that are cut, changed, too long or misnamed are kept for people, and said as errors", () => {
    using dir = makeTempDir();
    const outbox = openAt(dir.path);
    for (let n = 1; n <= 5; n++) outbox.add(recordOf(n));
    const path = (n: number): string => join(dir.path, `outbox/upload${n}.jpg.json`);
    truncateSync(path(1), 100);
    writeFileSync(path(2), readFileSync(path(2), "utf8").replace('"bytes":5000', '"bytes":5001'));
    writeFileSync(
      path(3),
      `${readFileSync(path(3), "utf8")}${" ".repeat(LIMITS.outboxRecordBytesMax)}`,
    );
    writeFileSync(path(6), readFileSync(path(4)));
    const again = openAt(dir.path);
    expect(again.list().map((record) => record.relname)).toEqual([uploadName(4), uploadName(5)]);
    expect(filesIn(dir.path).filter((name) => name.endsWith(".bad")).length).toBe(4);
    expect(again.lines.filter((line) => line.includes("outbox.unreadable")).length).toBe(4);
    expect(openAt(dir.path).lines).toEqual([]);
  });
});
