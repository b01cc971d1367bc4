/** Bytes and names that survive a loss of power: synchronous, as their callers acknowledge right after. */

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";

export function syncFile(path: string): void {
  withFile(path, fdatasyncSync);
}

/** The same on the thread pool: what a serving thread does first, so that `syncFile` finds little left. */
export async function syncFileAsync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** The names in a folder: what was made, renamed or removed in it. */
export function syncFolder(path: string): void {
  withFile(path, fsyncSync);
}

/** A small file that is there whole or not at all, for its owner alone; an old one of that name is replaced. */
export function writeDurably(options: {
  readonly path: string;
  /** In the same file system; whatever is there is lost. */
  readonly tempPath: string;
  readonly text: string;
}): void {
  const { path, tempPath, text } = options;
  try {
    writeFileSync(tempPath, text, { mode: 0o600, flush: true });
    renameSync(tempPath, path);
  } catch (error) {
    removeQuietly(tempPath);
    throw error;
  }
  syncFolder(dirname(path));
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // never made; the first error is the one that counts
  }
}

function withFile(path: string, work: (fd: number) => void): void {
  const fd = openSync(path, "r");
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}
