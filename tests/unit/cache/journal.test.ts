/** Records of the cache journal, both ways. */

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  beginRecord,
  forgetRecord,
  type JournalRecord,
  journalPath,
  learnRecord,
  openJournal,
  parseRecord,
  publishRecord,
  readJournal,
  shapeRecord,
} from "../../../src/cache/journal.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const id = fc.stringMatching(/^[A-Za-z0-9_-]{6,96}$/);
const relname = id.map(
  (text) => `${text.slice(0, 2)}/${text.slice(2, 4)}/${text.slice(4, 6)}/md/${text}.jpg`,
);
const side = fc.nat({ max: LIMITS.pictureSideMax });
const facts = { width: side, height: side, flags: fc.nat({ max: 255 }) };
const published = fc.record({
  ...facts,
  relname,
  bytes: fc.nat({ max: LIMITS.wireBodyBytesMax }),
  validator: fc.stringMatching(/^[0-9a-f]{16}$/),
  modified: fc.nat({ max: 2 ** 32 - 1 }),
  queue: fc.nat({ max: 1 }),
  freq: fc.nat({ max: 3 }),
  digest: fc.stringMatching(/^[0-9a-f]{16}$/),
});
const shape = fc.constantFrom("600x600 inside", "8192x8192 contain", "orig");
const record: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ kind: fc.constant("publish"), fields: published }),
  fc.record({ kind: fc.constant("learn"), relname, facts: fc.record(facts) }),
  fc.record({ kind: fc.constant("forget"), relname }),
  fc.record({ kind: fc.constant("shape"), size: fc.constantFrom("md", "640x480"), shape }),
  fc.record({ kind: fc.constant("begin"), boot: fc.stringMatching(/^[0-9a-f-]{1,40}$/) }),
);

function write(one: JournalRecord): string {
  if (one.kind === "publish") return publishRecord(one.fields);
  if (one.kind === "begin") return beginRecord(one.boot);
  if (one.kind === "shape") return shapeRecord(one.size, one.shape);
  return one.kind === "learn" ? learnRecord(one.relname, one.facts) : forgetRecord(one.relname);
}

describe("a record", () => {
  test("is read as it was written, and is far below its limit", () => {
    fc.assert(
      fc.property(record, (one) => {
        const text = write(one);
        expect(parseRecord(text.trim())).toEqual(one);
        expect(text.length).toBeLessThan(LIMITS.journalRecordBytesMax / 8);
      }),
    );
  });

  test("with any one character changed, added or cut off is none", () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 33, max: 126 }), (one, place, code) => {
        const line = write(one).trim();
        const at = place % line.length;
        const char = String.fromCharCode(code);
        const changed = `${line.slice(0, at)}${char}${line.slice(at + 1)}`;
        if (changed !== line) expect(parseRecord(changed)).toBeUndefined();
        expect(parseRecord(`${line}${char}`)).toBeUndefined();
        expect(parseRecord(line.slice(0, at))).toBeUndefined();
      }),
    );
  });

  test("of any text at all is read without harm", () => {
    fc.assert(fc.property(fc.string(), (text) => parseRecord(text) === undefined));
  });
});

describe("a journal file", () => {
  test("gives back every record, however many are written at once", () => {
    using dir = makeTempDir();
    dir.write(".mir/journal.7", "");
    const records = Array.from({ length: 3000 }, (_, n) =>
      forgetRecord(`aa/bb/cc/md/aabbcc${n}.jpg`),
    );
    const journal = openJournal(dir.path);
    journal.append(7, records);
    journal.append(7, []);
    journal.close();
    const path = journalPath(dir.path, 7);
    expect(readFileSync(path, "latin1")).toBe(records.join(""));
    expect([...readJournal(path)].filter((one) => one?.kind === "forget").length).toBe(3000);
  });

  test("is left for the next one when main has gone on to it, and must be there", () => {
    using dir = makeTempDir();
    dir.write(".mir/journal.1", "");
    dir.write(".mir/journal.3", "");
    const journal = openJournal(dir.path);
    journal.append(1, ["one"]);
    journal.append(3, ["three"]);
    expect(() => journal.append(5, ["five"])).toThrow("ENOENT");
    journal.append(3, ["!"]);
    journal.close();
    expect(readFileSync(journalPath(dir.path, 1), "utf8")).toBe("one");
    expect(readFileSync(journalPath(dir.path, 3), "utf8")).toBe("three!");
  });

  test("is read whole whatever the pieces it is read in cut apart", () => {
    using dir = makeTempDir();
    const path = join(dir.path, "journal");
    const text = forgetRecord(`aa/bb/cc/md/aabbcc${"x".repeat(60)}.jpg`);
    writeFileSync(path, text.repeat(25_000));
    const kinds = Array.from(readJournal(path), (one) => one?.kind);
    expect(kinds.length).toBe(25_000);
    expect(new Set(kinds)).toEqual(new Set(["forget"]));
  });
});
