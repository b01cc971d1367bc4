/** Reads a topology file for a command, with its mistakes told on the terminal. */

import { closeSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type ReadOptions, type ReadResult, readTopology } from "../topology/read.ts";

/**
 * Throws a Fault when the file cannot be read at all; mistakes inside it are part of the result. `looks` at this
 * machine are for whoever shows warnings.
 */
export function readTopologyFile(
  path: string,
  looks: Omit<ReadOptions, "file" | "baseDir"> = {},
): ReadResult {
  const text = readBounded(path);
  return readTopology(text, { file: path, baseDir: dirname(resolve(path)), ...looks });
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
