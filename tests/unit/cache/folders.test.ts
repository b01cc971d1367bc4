/** Folders of cached files: made on demand, remembered boundedly. */

import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { makeFolders } from "../../../src/cache/folders.ts";
import { makeCacheDir } from "../../support/cache-dir.ts";

test("the longest-lived folder memory is bounded, and a folder that vanished is made again", () => {
  using made = makeCacheDir();
  const folders = makeFolders(made.dir, 2);
  for (let n = 0; n < 8; n++) {
    const tempPath = made.cache.tempPath();
    writeFileSync(tempPath, "x");
    const relname = `aa/bb/c${n}/md/aabbc${n}.jpg`;
    folders.moveIn(tempPath, relname);
    expect(existsSync(made.cache.pathOf(relname))).toBe(true);
    expect(folders.remembered).toBeLessThanOrEqual(2);
  }
  Bun.spawnSync(["rm", "-r", `${made.dir}/aa`]);
  const tempPath = made.cache.tempPath();
  writeFileSync(tempPath, "x");
  folders.moveIn(tempPath, "aa/bb/c7/md/aabbc7.jpg");
  expect(existsSync(made.cache.pathOf("aa/bb/c7/md/aabbc7.jpg"))).toBe(true);
});
