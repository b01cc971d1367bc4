/** Nodes that are bound by the modes of files, whoever runs the tests: root is not, so they run as another user then. */

import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** `nobody`, as every Linux has it. */
const UID = 65_534;
const IS_ROOT = process.getuid?.() === 0;

/** In front of a command. */
export const AS_ORDINARY_USER: readonly string[] = IS_ROOT
  ? ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"]
  : [];

/** Why no node can run as one here; undefined when it can. */
export function noOrdinaryUser(executable: string): string | undefined {
  if (!IS_ROOT) return undefined;
  if (Bun.which("setpriv") === null) return "root needs setpriv to run a node as another user";
  const tried = Bun.spawnSync([...AS_ORDINARY_USER, executable, "--version"], { stderr: "pipe" });
  return tried.success ? undefined : `another user cannot run it: ${tried.stderr}`.trim();
}

/** A folder of that user, reachable by it. */
export function ownFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  if (IS_ROOT) chownSync(path, UID, UID);
  return path;
}

/** The folder and all folders below it. */
export function chmodFolders(path: string, mode: number): void {
  for (const found of readdirSync(path, { withFileTypes: true })) {
    if (found.isDirectory()) chmodFolders(join(path, found.name), mode);
  }
  chmodSync(path, mode);
}
