/** Reads a topology file for a command, with its mistakes told on the terminal. */

import { closeSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { certificateTrouble } from "../node/credentials.ts";
import { fileSystemBytes } from "../node/disk-size.ts";
import { type ReadResult, readTopology } from "../topology/read.ts";

/** Throws a Fault when the file cannot be read at all; mistakes inside it are part of the result. */
export function readTopologyFile(path: string): ReadResult {
  const text = readBounded(path);
  const baseDir = dirname(resolve(path));
  const here = { isFolder, isFile, certificateTrouble, diskBytes: fileSystemBytes };
  return readTopology(text, { file: path, baseDir, ...here });
}

function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

/** undefined whatever the reason is that we cannot look at it. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** One byte more than the limit is enough for the reader to say that the file is too large. */
function readBounded(path: string): string {
  const buffer = Buffer.alloc(LIMITS.topologyBytesMax + 1);
  let length = 0;
  try {
    const fd = openSync(path, "r");
    try {
      for (let got = -1; got !== 0 && length < buffer.length; length += got) {
        got = readSync(fd, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new Fault("bad_request", `the topology file ${path} cannot be read`, { cause });
  }
  return buffer.toString("utf8", 0, length);
}
