/** What a node remembers of topologies: when content has to be looked over, and when not. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type EpochState,
  readEpochFile,
  stateFor,
  writeEpochFile,
} from "../../../src/content/epoch-file.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const OLD = "0000000000000001";
const NEW = "0000000000000002";
const known: EpochState = { epoch: OLD, since: 1000, settled: true, moved: 7, movedBytes: 700 };

describe("the state a node goes on with", () => {
  test("under the epoch it knows is the one it has", () => {
    expect(stateFor(known, { epoch: OLD, variants: 9, wallSeconds: 5000 })).toBe(known);
  });

  test("under another epoch begins now, with content to be looked over", () => {
    expect(stateFor(known, { epoch: NEW, variants: 9, wallSeconds: 5000 })).toEqual({
      epoch: NEW,
      since: 5000,
      settled: false,
      moved: 0,
      movedBytes: 0,
    });
  });

  test("of a fresh cache is settled, but its topology is new: it has to probe", () => {
    const state = stateFor(undefined, { epoch: NEW, variants: 0, wallSeconds: 5000 });
    expect(state).toMatchObject({ since: 5000, settled: true });
  });

  test("of content that nothing is remembered of is looked over", () => {
    const state = stateFor(undefined, { epoch: NEW, variants: 1, wallSeconds: 5000 });
    expect(state).toMatchObject({ since: 5000, settled: false });
  });
});

describe("the file", () => {
  test("gives back what was written, and nothing before", () => {
    using dir = makeTempDir();
    const { log, lines } = watchedParts();
    mkdirSync(join(dir.path, ".mir", "tmp"), { recursive: true });
    expect(readEpochFile(dir.path, log)).toBeUndefined();
    writeEpochFile(dir.path, known);
    writeEpochFile(dir.path, { ...known, moved: 8 });
    expect(readEpochFile(dir.path, log)).toEqual({ ...known, moved: 8 });
    expect(lines).toEqual([]);
  });

  for (const [what, text] of [
    ["torn", JSON.stringify(known).slice(0, 30)],
    ["of another shape", JSON.stringify({ ...known, epoch: 5 })],
    ["empty", ""],
  ] as const) {
    test(`that is ${what} is not believed, and that is said`, () => {
      using dir = makeTempDir();
      const { log, lines } = watchedParts();
      mkdirSync(join(dir.path, ".mir"));
      writeFileSync(join(dir.path, ".mir", "epoch"), text);
      expect(readEpochFile(dir.path, log)).toBeUndefined();
      expect(lines.join()).toContain("rebalance.state_unreadable");
    });
  }
});
