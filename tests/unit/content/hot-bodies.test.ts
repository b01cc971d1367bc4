/** Bodies that are held for peers: the right bytes or none, and never too many. */

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { LIMITS } from "../../../src/base/limits.ts";
import { makeHotBodies } from "../../../src/content/hot-bodies.ts";
import { digestOf } from "../../../src/wire/xxhash.ts";
import { noise, variantOf } from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const KiB = 1024;
const CONTENT = noise(12 * KiB);
const dir = makeTempDir();
afterAll(() => dir[Symbol.dispose]());
const path = dir.write("a.jpg", CONTENT);
const meta = variantOf(CONTENT.length);

/** Another name for the same bytes. */
const named = (i: number, bytes = CONTENT.length) => variantOf(bytes, { relname: `name-${i}` });

describe("a body that a peer asks for", () => {
  test("is held from the second time on, with its digest, whatever becomes of the file", () => {
    const hot = makeHotBodies(LIMITS.hotBodiesBytesMax, () => true);
    const gone = dir.write("gone.jpg", CONTENT);
    expect(hot(meta, gone)).toBeUndefined();
    expect(hot(meta, gone)?.bytes).toEqual(CONTENT);
    rmSync(gone);
    expect(existsSync(gone)).toBe(false);
    expect(hot(meta, gone)).toMatchObject({ bytes: CONTENT, xxh64: digestOf(CONTENT) });
  });

  test("is read again when the index has another variant under its name", () => {
    const hot = makeHotBodies(LIMITS.hotBodiesBytesMax, () => true);
    for (let i = 0; i < 2; i++) hot(meta, path);
    const other = noise(13 * KiB);
    const now = variantOf(other.length, { validator: "f".repeat(16) });
    expect(hot(now, dir.write("b.jpg", other))?.bytes).toEqual(other);
    const sameLength = { ...now, validator: "e".repeat(16) };
    const third = other.toReversed();
    expect(hot(sameLength, dir.write("c.jpg", third))?.xxh64).toBe(digestOf(third));
  });

  test("is not held when it is not what was published", () => {
    const seen: string[] = [];
    const hot = makeHotBodies(LIMITS.hotBodiesBytesMax, ({ relname }, { bytes, xxh64 }) => {
      seen.push(`${relname} ${bytes.length} ${xxh64}`);
      return seen.length > 1;
    });
    for (let i = 0; i < 2; i++) expect(hot(meta, path)).toBeUndefined();
    expect(hot(meta, path)?.bytes).toEqual(CONTENT);
    const told = `${meta.relname} ${CONTENT.length} ${digestOf(CONTENT)}`;
    expect(seen).toEqual([told, told]);
    // what is held was looked at
    expect(hot(meta, path)?.bytes).toEqual(CONTENT);
    expect(seen).toHaveLength(2);
  });

  test("is left to who sends it when its file has gone or has another length", () => {
    const hot = makeHotBodies(LIMITS.hotBodiesBytesMax, () => true);
    for (let i = 0; i < 2; i++) expect(hot(meta, `${path}.gone`)).toBeUndefined();
    for (const bytes of [CONTENT.length - 1, CONTENT.length + 1]) {
      expect(hot(variantOf(bytes), path)).toBeUndefined();
    }
    expect(hot(meta, path)?.bytes).toEqual(CONTENT);
  });

  test("is not held when it is large", () => {
    const hot = makeHotBodies(LIMITS.hotBodiesBytesMax, () => true);
    const most = LIMITS.hotBodyBytesMax;
    const large = dir.write("large.jpg", noise(most + 1));
    const full = dir.write("full.jpg", noise(most));
    for (let i = 0; i < 3; i++) expect(hot(named(1, most + 1), large)).toBeUndefined();
    hot(named(2, most), full);
    expect(hot(named(2, most), full)?.bytes).toHaveLength(most);
  });
});

describe("what is held", () => {
  test("is nothing where nothing may be", () => {
    const hot = makeHotBodies(0, () => true);
    for (let n = 0; n < 3; n++) expect(hot(meta, path)).toBeUndefined();
  });

  test("stays while it is in use: a newcomer is not even read", () => {
    const places = 10;
    const hot = makeHotBodies(places * CONTENT.length, () => true);
    const all = Array.from({ length: places }, (_, i) => named(i));
    for (const one of all) for (let n = 0; n < 3; n++) hot(one, path);
    const newcomer = named(places);
    for (let n = 0; n < 2; n++) expect(hot(newcomer, path)).toBeUndefined();
    for (const one of all) expect(hot(one, "/nowhere")).toBeDefined();
    // nobody asks for them any more: eight are looked at each time
    expect(hot(newcomer, path)).toBeUndefined();
    expect(hot(newcomer, path)?.bytes).toEqual(CONTENT);
  });

  test("never exceeds its maximum: what was not used goes", () => {
    const hot = makeHotBodies(3 * CONTENT.length, () => true);
    for (const i of [1, 2, 3]) for (let n = 0; n < 2; n++) hot(named(i), path);
    // 1 is used, 2 is the oldest now
    expect(hot(named(1), "")).toBeDefined();
    for (let n = 0; n < 2; n++) hot(named(4), path);
    expect([1, 3, 4].map((i) => hot(named(i), "/nowhere") !== undefined)).toEqual([
      true,
      true,
      true,
    ]);
    expect(hot(named(2), "/nowhere")).toBeUndefined();
  });
});
