/** How many files a node may have to open, and what it says when it may not. */

import { describe, expect, test } from "bun:test";
import { checkOpenFiles, filesNeeded, openFilesLimit } from "../../../src/node/open-files.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { serverNamed } from "../../../src/topology/topology.ts";
import { edgeTopology } from "../../support/node-parts.ts";

const NEEDED = { least: 200, enough: 5_000 };

function checked(limit: number | undefined): readonly unknown[] {
  const told: unknown[] = [];
  const log = { ...silentLog, warn: (_: string, fields?: object) => told.push(fields) };
  checkOpenFiles(NEEDED, limit, log);
  return told;
}

describe("the limit on open files", () => {
  test("says nothing when it is enough, or unknown", () => {
    expect([checked(5_000), checked(undefined)]).toEqual([[], []]);
  });

  test("is a warning that says how many, and what to do, when it is low", () => {
    const [told] = checked(4_999);
    expect(JSON.stringify(told)).toContain("open files are limited to 4999");
    expect(JSON.stringify(told)).toContain("up to 5000 with many clients: raise LimitNOFILE");
  });

  test("keeps a node from starting when it is far too low", () => {
    expect(() => checked(199)).toThrow(/limited to 199; .* needs at least 200: raise LimitNOFILE/);
    expect(checked(200)).toHaveLength(1);
  });

  test("is that of this process", () => {
    expect(openFilesLimit()).toBeGreaterThan(100);
  });
});

test("more servers and more workers need more files", () => {
  const needed = (edges: number, workers: number) => {
    const names = Array.from({ length: edges }, (_, i) => `edge-${i}`);
    const topology = edgeTopology(names);
    return filesNeeded(topology, serverNamed(topology, "edge-0"), workers);
  };
  expect(needed(1, 1).least).toBeLessThan(256);
  expect(needed(1, 4).enough).toBeGreaterThan(4 * 2 * 1_024);
  expect(needed(8, 4).least).toBeGreaterThan(needed(1, 4).least);
  expect(needed(8, 4).enough - needed(1, 4).enough).toBeGreaterThan(7 * 4 * 32);
});
