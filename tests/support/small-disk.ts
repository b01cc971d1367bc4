/** A file system of a few megabytes, where the tests may mount one. */

import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Mounts it at `path`; unmounted when disposed. `inodes`: as many, else as many as there is room for. */
export function smallDisk(
  path: string,
  size: { readonly bytes: number; readonly inodes?: number },
): Disposable {
  mkdirSync(path, { recursive: true });
  const inodes = size.inodes === undefined ? "" : `,nr_inodes=${size.inodes}`;
  run(["mount", "-t", "tmpfs", "-o", `size=${size.bytes},mode=0755${inodes}`, "tmpfs", path]);
  return { [Symbol.dispose]: () => run(["umount", path]) };
}

/** Why there can be none here; undefined when there can. */
export function noSmallDisk(): string | undefined {
  if (process.getuid?.() !== 0) return "only root mounts file systems";
  const path = mkdtempSync(join(tmpdir(), "mir-mount-"));
  try {
    smallDisk(path, { bytes: 1 << 20 })[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `mount does not work here: ${error instanceof Error ? error.message : error}`;
  } finally {
    rmdirSync(path);
  }
}

function run(command: readonly string[]): void {
  const done = Bun.spawnSync([...command], { stderr: "pipe" });
  if (!done.success) throw new Error(done.stderr.toString().trim());
}
