/** Whether the index of a cache holds together, and says what lies in its directory. */

import { expect } from "bun:test";
import { checkIndex } from "../../src/cache/check.ts";
import { type CacheDir, variantsBelow, walkBytes } from "./cache-dir.ts";

export function expectSound(made: CacheDir): void {
  expect(checkIndex(made.memory)).toEqual([]);
  expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
  expect(variantsBelow(made.dir).length).toBe(made.cache.usage().variants);
}
