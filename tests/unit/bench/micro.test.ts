/** The bench of the index runs, and its figures are there. */

import { expect, test } from "bun:test";

test("measures a small index in a second", () => {
  const args = ["--json", "--variants", "20000", "--rounds", "1", "--ms", "5"];
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "bench/micro/index.ts", ...args]);
  expect(stderr.toString()).toBe("");
  const figures: Record<string, number> = JSON.parse(stdout.toString());
  for (const name of ["hit", "meta", "smallPages", "rival", "ratio", "scaling", "rate", "bytes"]) {
    expect([name, (figures[name] ?? 0) > 0]).toEqual([name, true]);
  }
  expect(figures["bytes"]).toBeLessThanOrEqual(128);
}, 30_000);
