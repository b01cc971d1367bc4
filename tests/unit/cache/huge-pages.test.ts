/** Large pages under the index. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { adviseHugePages, adviseWhenFilled } from "../../../src/cache/huge-pages.ts";
import { HEADER } from "../../../src/cache/layout.ts";
import { createCacheMemory, variantsOf } from "../../../src/cache/memory.ts";
import { SIZES } from "../../support/cache-dir.ts";
import { makeIndexStore } from "../../support/index-store.ts";

const MODES = "/sys/kernel/mm/transparent_hugepage/enabled";

function memoryOf(slots: number) {
  return createCacheMemory({ capacityBytes: 2 ** 40, slots, sizes: SIZES });
}

test("are asked for where the index is worth it", () => {
  expect(adviseHugePages(memoryOf(1000))).toBe(0);
  const memory = memoryOf(1 << 20);
  const advised = adviseHugePages(memory);
  const offered = process.platform === "linux" && hasModes();
  if (!offered) return expect(advised).toBeGreaterThanOrEqual(0);
  const total = [...memory.slotRegions, ...memory.cellRegions, ...memory.ghostRegions];
  const bytes = total.reduce((sum, one) => sum + one.byteLength, 0);
  expect(advised).toBeGreaterThan(bytes * 0.98);
  expect(advised).toBeLessThanOrEqual(bytes);
});

test("wait until the index is filled so far that they cost no memory", () => {
  const { memory, store } = makeIndexStore({ slots: 1024 });
  const variantsMax = variantsOf(1024);
  const words = store.view.words;
  words[HEADER.live] = Math.floor(variantsMax / 16);
  expect(adviseWhenFilled(memory)).toBe(false);
  words[HEADER.live] = Math.floor(variantsMax / 16) + 1;
  expect(adviseWhenFilled(memory)).toBe(true);
});

/** A kernel without them refuses the advice. */
function hasModes(): boolean {
  try {
    return readFileSync(MODES, "utf8") !== "";
  } catch {
    return false;
  }
}
