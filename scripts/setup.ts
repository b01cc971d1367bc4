/** Makes `node_modules` match `bun.lock`; does nothing, and needs no network, when it already does. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ScriptFailure } from "./script-failure.ts";

export const ROOT = resolve(import.meta.dir, "..");

/** A registry that does not answer must not hold a build for ever. */
const INSTALL_MS = 300_000;

/** True when it had to install. Throws ScriptFailure with the installer's own words. */
export function setup(root: string = ROOT): boolean {
  const stamp = join(root, "node_modules", ".mir-setup");
  const wanted = fingerprint(root);
  if (readIfThere(stamp) === wanted) return false;
  console.error("installing what bun.lock names");
  // process.execPath: where npx brought Bun, there may be none on PATH
  const install = Bun.spawnSync(
    [process.execPath, "install", "--frozen-lockfile", "--no-progress"],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: INSTALL_MS },
  );
  if (!install.success) {
    throw new ScriptFailure(
      `${install.stdout}${install.stderr}the dependencies could not be installed: ` +
        "is the package registry reachable, and does bun.lock belong to package.json?",
    );
  }
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(stamp, wanted);
  return true;
}

/** What was installed: the lock's content and the platform whose native packages were chosen. */
function fingerprint(root: string): string {
  const lock = new Bun.CryptoHasher("sha256").update(readFileSync(join(root, "bun.lock")));
  return `${lock.digest("hex")} ${process.platform}-${process.arch}`;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
