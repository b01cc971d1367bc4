/** Makes `node_modules` match `bun.lock`; does nothing, and needs no network, when it already does. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "..");
const STAMP = join(ROOT, "node_modules", ".mir-setup");

export function setup(): void {
  const lock = Bun.hash(readFileSync(join(ROOT, "bun.lock"))).toString(16);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return;
  console.error("installing dependencies");
  const done = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile", "--silent"], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, BUN_BE_BUN: "1" },
  });
  if (!done.success) {
    console.error("the dependencies could not be installed: is the package registry reachable?");
    process.exit(1);
  }
  writeFileSync(STAMP, lock);
}
