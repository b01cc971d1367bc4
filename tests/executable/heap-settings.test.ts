/** What a node sets for its runtime before it starts, which only the environment of a process can say. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { childrenOf } from "../support/child-processes.ts";
import { startMesh } from "../support/mesh.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

function environmentOf(pid: number): Readonly<Record<string, string>> {
  const lines = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

test("heaps of a node grow by little, unless an operator says how; image workers are left alone", async () => {
  await using mesh = await startMesh({
    edges: ["edge"],
    env: { BUN_JSC_largeHeapSize: "33554432" },
  });
  const { pid } = mesh.node("edge");
  expect(environmentOf(pid)).toMatchObject({
    BUN_JSC_heapGrowthFunctionThresholdInMB: "0",
    BUN_JSC_heapGrowthMaxIncrease: "0.4",
    BUN_JSC_largeHeapSize: "33554432",
    UV_THREADPOOL_SIZE: "8",
  });
  const workers = (): number[] => childrenOf(pid, "image-worker");
  await until(() => workers().length > 0, "an image worker runs");
  for (const child of workers()) {
    const names = Object.keys(environmentOf(child));
    expect(names.filter((name) => name.startsWith("BUN_JSC_"))).toEqual([]);
  }
});
