/** A directory as origin: what only file systems can do to a file that is put. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { putFile } from "../../../src/origin/directory-put.ts";
import { openOrigins } from "../../../src/origin/origin.ts";
import { pattern } from "../../contract/origin.ts";
import { codeOf } from "../../support/bodies.ts";
import { filesBelow } from "../../support/cache-dir.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const ID = "upload42";
const FOLDER = "up/lo/ad/orig";
const RELNAME = `${FOLDER}/${ID}.jpg`;

function putInto(dir: string, from: TempDir, bytes: Uint8Array) {
  const parts = watchedParts();
  const origin = openOrigins([{ kind: "directory", name: "origin", dir }], {
    ...parts,
    secrets: undefined,
  });
  if (origin === undefined) throw new Error("no origin");
  const path = from.write("upload", bytes);
  return {
    parts,
    ended: origin.put(ID, { ext: "jpg", path, bytes: bytes.length, deadlineMs: 10_000 }),
  };
}

describe("a directory as origin", () => {
  test("has the file alone, readable by others, and no temporary one", async () => {
    using dir = makeTempDir();
    using from = makeTempDir();
    expect(await putInto(dir.path, from, pattern(1000)).ended).toBe("stored");
    expect(filesBelow(dir.path)).toEqual([RELNAME]);
    expect(Buffer.compare(readFileSync(join(dir.path, RELNAME)), pattern(1000))).toBe(0);
  });

  test("is never made: one that is gone may not be mounted", async () => {
    using dir = makeTempDir();
    using from = makeTempDir();
    const gone = join(dir.path, "unmounted");
    expect(await codeOf(putInto(gone, from, pattern(10)).ended)).toBe("bad_origin");
    expect(readdirSync(dir.path)).toEqual([]);
  });

  test("that takes no file fails, the log says why, and nothing is left", async () => {
    using dir = makeTempDir();
    using from = makeTempDir();
    dir.write("up/lo/ad", "a file in the way of a folder");
    const put = putInto(dir.path, from, pattern(10));
    expect(await codeOf(put.ended)).toBe("bad_origin");
    expect(put.parts.lines.join("")).toContain("origin_put_failed");
    expect(filesBelow(dir.path)).toEqual(["up/lo/ad"]);
  });

  test("loses what a node left that died while it put, a day later, and nothing else", async () => {
    using dir = makeTempDir();
    using from = makeTempDir();
    const old = dir.write(`${FOLDER}/.${ID}.jpg.old.part`, "half");
    dir.write(`${FOLDER}/.${ID}.jpg.new.part`, "another node is at it");
    const others = dir.write(`${FOLDER}/.htaccess`, "not ours");
    utimesSync(old, 1, 1);
    utimesSync(others, 1, 1);
    expect(await putInto(dir.path, from, pattern(10)).ended).toBe("stored");
    expect(readdirSync(join(dir.path, FOLDER)).sort()).toEqual([
      ".htaccess",
      `.${ID}.jpg.new.part`,
      `${ID}.jpg`,
    ]);
  });

  test("keeps the first of two files put at one moment", async () => {
    using dir = makeTempDir();
    using from = makeTempDir();
    using other = makeTempDir();
    const put = (source: TempDir, bytes: Uint8Array) => {
      const file = { path: source.write("f", bytes), bytes: bytes.length, md5: md5Of(bytes) };
      const target = join(dir.path, RELNAME);
      const waits = { waitMs: 10_000, stallMs: 10_000, clock: watchedParts().clock };
      return putFile(target, { file, root: dir.path, ...waits });
    };
    const both = await Promise.all([put(from, pattern(5000)), put(other, pattern(5000, 1))]);
    expect(both.toSorted()).toEqual(["exists", "stored"]);
    const winner = both[0] === "stored" ? pattern(5000) : pattern(5000, 1);
    expect(Buffer.compare(readFileSync(join(dir.path, RELNAME)), winner)).toBe(0);
  });
});

function md5Of(bytes: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("md5").update(bytes).digest();
}
