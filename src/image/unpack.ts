/** Files of the executable as files on disk: written whole or not at all, and looked at before each use. */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../base/errno.ts";

/** A file that is wanted below some directory. */
export interface Unpacked {
  /** Relative to it. */
  readonly place: string;
  readonly bytes: Uint8Array;
}

const COMPARE_BYTES = 1024 * 1024;
const TEMP_MARK = ".tmp-";
/** A temporary file older than this was left by a process that died. */
const TEMP_STALE_MS = 600_000;

/**
 * Puts the files in place unless they are there already, byte for byte. Any number of processes may
 * do so at once: each replaces a file by the same bytes, and who has the old one open keeps it.
 * `dir` must be private. Throws what the file system throws.
 */
export function unpack(dir: string, files: readonly Unpacked[]): void {
  for (const { place, bytes } of files) {
    const path = join(dir, place);
    if (holds(path, bytes)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    removeStaleTemps(path);
    write(path, bytes);
  }
}

/** The whole content is compared, not its length or a digest: a flipped byte in a library is a crash. */
function holds(path: string, bytes: Uint8Array): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    // not there, or not a file of ours: to be replaced
    if (errnoOf(error) !== undefined) return false;
    throw error;
  }
  try {
    return fstatSync(fd).isFile() && fstatSync(fd).size === bytes.length && sameContent(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function sameContent(fd: number, bytes: Uint8Array): boolean {
  const buffer = Buffer.allocUnsafe(COMPARE_BYTES);
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(fd, buffer, 0, Math.min(COMPARE_BYTES, bytes.length - at), at);
    if (read === 0 || buffer.compare(bytes, at, at + read, 0, read) !== 0) return false;
    at += read;
  }
  return true;
}

function write(path: string, bytes: Uint8Array): void {
  const temp = `${path}${TEMP_MARK}${process.pid}-${crypto.randomUUID()}`;
  try {
    const fd = openSync(temp, "wx", 0o500);
    try {
      writeFileSync(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  }
}

function removeStaleTemps(path: string): void {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(path)}${TEMP_MARK}`)) continue;
    const temp = join(folder, name);
    const found = statSync(temp, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > TEMP_STALE_MS)
      rmSync(temp, { force: true });
  }
}
