/** What is asked for: web ids or paths out of a file, a list, a folder of pictures, or the origin's folder. */

import { closeSync, existsSync, opendirSync, openSync, readSync } from "node:fs";
import { extname } from "node:path";
import { errnoOf } from "../../base/errno.ts";
import { Fault } from "../../base/fault.ts";
import { isFormat } from "../../base/variant.ts";
import { isWebId } from "../../base/web-name.ts";
import type { Topology } from "../../topology/topology.ts";
import { findPhotos } from "../demo/given-photos.ts";
import { UsageError } from "../usage.ts";
import { BENCH_LIMITS } from "./bounds.ts";

/** What a request line may hold. */
const PATH = /^\/[\x21-\x7e]*$/;

/** `--ids`: a file, else ids with commas, or one. The first is the most popular one. */
export function readIds(given: string): readonly string[] {
  if (existsSync(given)) return parseIds(readBounded(given), given);
  // what is no web id was meant as a file
  if (!given.includes(",") && (!isWebId(given) || extname(given) !== "")) {
    throw new UsageError(`--ids ${given}: there is no such file`);
  }
  return parseIds(given.replaceAll(",", "\n"), "--ids");
}

/** A web id, a path or a URL a line; of a URL its path counts. */
export function parseIds(
  text: string,
  from: string,
  idsMax: number = BENCH_LIMITS.idsMax,
): readonly string[] {
  const ids: string[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    const trimmed = line.trim();
    if (trimmed === "") continue;
    const id = /^https?:\/\//.test(trimmed) ? pathOfUrl(trimmed) : trimmed;
    const isGood = id.length <= BENCH_LIMITS.idCharsMax && (isWebId(id) || PATH.test(id));
    if (!isGood) {
      throw new UsageError(`${from}, line ${number}: neither a web id nor a path nor a URL`);
    }
    if (ids.length === idsMax) throw new UsageError(`${from}: more than ${idsMax} ids`);
    ids.push(id);
  }
  if (ids.length === 0) throw new UsageError(`${from}: there is no id in it`);
  return ids;
}

function pathOfUrl(text: string): string {
  const url = URL.parse(text);
  return url === null ? "" : url.pathname + url.search;
}

/** `--photos`: the ids under which `mir demo --photos` serves a folder. */
export function idsOfPhotos(dir: string): readonly string[] {
  return findPhotos(dir).photos.map(({ webId }) => webId);
}

/** The flat originals of the first origin that is a folder here; undefined without one. */
export function idsOfOrigin(topology: Topology): readonly string[] | undefined {
  const origins = topology.levels.flatMap((level) => level.origins);
  const folder = origins.find((origin) => origin.kind === "directory");
  if (folder?.kind !== "directory" || !existsSync(folder.dir)) return undefined;
  const ids = flatIds(folder.dir).sort();
  return ids.length === 0 ? undefined : ids;
}

function flatIds(dir: string): string[] {
  const ids = new Set<string>();
  const folder = opendirSync(dir);
  try {
    for (let found = folder.readSync(); found !== null; found = folder.readSync()) {
      if (ids.size === BENCH_LIMITS.idsMax) break;
      const ext = extname(found.name);
      const id = found.name.slice(0, found.name.length - ext.length);
      if (!found.isDirectory() && isFormat(ext.slice(1)) && isWebId(id)) ids.add(id);
    }
  } finally {
    folder.closeSync();
  }
  return [...ids];
}

function readBounded(path: string): string {
  const { idsBytesMax } = BENCH_LIMITS;
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    const fd = openSync(path, "r");
    try {
      for (;;) {
        const piece = Buffer.alloc(1024 * 1024);
        const got = readSync(fd, piece, 0, piece.length, null);
        if (got === 0) break;
        length += got;
        if (length > idsBytesMax) throw new UsageError(`--ids ${path}: over ${idsBytesMax} bytes`);
        pieces.push(piece.subarray(0, got));
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const hint = errnoOf(cause) === "EISDIR" ? ": it is a folder; photos in one are --photos" : "";
    throw new Fault("bad_request", `--ids ${path} cannot be read${hint}`, { cause });
  }
  return Buffer.concat(pieces).toString("latin1");
}
