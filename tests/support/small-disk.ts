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

/** Takes what is mounted at `path` elsewhere, under whoever has files of it open. */
export function moveMount(path: string, to: string): void {
  mkdirSync(to, { recursive: true });
  run(["mount", "--move", path, to]);
}

/** Until it is disposed, files at `path` can be opened for reading only; those that are open stay as they are. */
export function readOnly(path: string): Disposable {
  run(["mount", "--bind", path, path]);
  run(["mount", "-o", "remount,ro,bind", path]);
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
