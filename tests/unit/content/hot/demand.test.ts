/** What one worker counts, and what it reports of it. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import { Demand } from "../../../../src/content/hot/demand.ts";

test("accesses are added up, and forgotten once they were reported", () => {
  const demand = new Demand();
  demand.add("a", 1);
  demand.add("a", 2);
  demand.alive("a", "edge-2");
  demand.alive("a", "edge-2");
  expect(demand.take()).toEqual({ asked: [["a", 3]], alive: [["a", "edge-2"]] });
  expect(demand.take()).toEqual({ asked: [], alive: [] });
});

test("so many names are counted, and of those the most asked reported", () => {
  const demand = new Demand();
  for (let n = 0; n < LIMITS.hotNamesMax; n++) demand.add(`${n}`, n % 2 === 0 ? 1 : 2);
  demand.add("late", 100);
  demand.add("1", 100);
  for (let n = 0; n <= LIMITS.hotNamesMax; n++) demand.alive("1", `edge-${n}`);
  const { asked, alive } = demand.take();
  expect(asked).toHaveLength(LIMITS.hotReportMax);
  expect(asked[0]).toEqual(["1", 102]);
  expect(asked.every(([, count]) => count >= 2)).toBe(true);
  expect(alive).toHaveLength(LIMITS.hotNamesMax);
});
