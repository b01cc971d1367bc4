/** Request traces: read from files of known formats, or made of Zipf's law where there is none. */

import { readFileSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

export interface Trace {
  readonly name: string;
  /** Objects by number, in the order of their first request. */
  readonly objects: Int32Array;
  /** Bytes of the object asked for, request by request. */
  readonly bytes: Float64Array;
  readonly objectCount: number;
}

export const FORMATS = ["oracleGeneral", "text", "ids"] as const;
export type Format = (typeof FORMATS)[number];

interface Request {
  readonly id: string | number | bigint;
  readonly bytes: number;
}

/** Sizes of a photo site's variants, for traces without: log-normal, median 24 KiB, mean about 48. */
const MEDIAN_BYTES = 24 * 1024;
const SIGMA = 1.2;
const BYTES_MIN = 512;

/**
 * `oracleGeneral`: libCacheSim's, 24 bytes a request, little-endian: u32 time, u64 id, u32 bytes, i64 next.
 * `text`: lines of `time id bytes`; without bytes they are made up. `ids`: i32 ids, big-endian as Caffeine has them.
 * Packed by gzip, zstd or (with `xz` installed) xz by the end of the name.
 */
export function readTrace(path: string, format: Format): Trace {
  const content = unpack(path);
  if (format === "text") return number(path, textRequests(content.toString("utf8")));
  return number(path, format === "ids" ? idRequests(content) : oracleRequests(content));
}

/** `skew` is Zipf's exponent; a share of the requests is for what nobody asks for twice. */
export function zipfTrace(options: {
  readonly requests: number;
  readonly objects: number;
  readonly skew: number;
  readonly onceShare: number;
  readonly seed: number;
}): Trace {
  const { requests, objects, skew, onceShare, seed } = options;
  const random = makeRandom(seed);
  const sums = new Float64Array(objects);
  let total = 0;
  for (let n = 0; n < objects; n++) {
    total += 1 / (n + 1) ** skew;
    sums[n] = total;
  }
  function* draw(): Generator<Request> {
    for (let i = 0; i < requests; i++) {
      const once = random() < onceShare;
      const id = once ? objects + i : firstOver(sums, random() * total);
      yield { id, bytes: madeUpBytes(id) };
    }
  }
  return number(`zipf ${skew}`, draw());
}

function unpack(path: string): Buffer {
  const content = readFileSync(path);
  if (path.endsWith(".gz")) return gunzipSync(content);
  if (path.endsWith(".zst")) return zstdDecompressSync(content);
  if (!path.endsWith(".xz")) return content;
  const { success, stdout } = Bun.spawnSync(["xz", "-dc", path]);
  if (!success) throw new Error(`${path} cannot be unpacked: is xz installed?`);
  return stdout;
}

function* oracleRequests(content: Buffer): Generator<Request> {
  for (let at = 0; at + 24 <= content.length; at += 24) {
    yield { id: content.readBigUInt64LE(at + 4), bytes: content.readUInt32LE(at + 12) };
  }
}

function* idRequests(content: Buffer): Generator<Request> {
  for (let at = 0; at + 4 <= content.length; at += 4) {
    const id = content.readInt32BE(at);
    yield { id, bytes: madeUpBytes(id) };
  }
}

function* textRequests(text: string): Generator<Request> {
  for (const [index, line] of text.split("\n").entries()) {
    const [time, id, bytes] = line.trim().split(/[\s,]+/);
    if (time === undefined || time === "" || time.startsWith("#")) continue;
    const size = bytes === undefined ? madeUpBytes(Bun.hash.xxHash32(id ?? "")) : Number(bytes);
    if (id === undefined || !Number.isSafeInteger(size) || size < 0) {
      throw new Error(`line ${index + 1} is not \`time id bytes\`: ${line}`);
    }
    yield { id, bytes: size };
  }
}

function number(name: string, requests: Iterable<Request>): Trace {
  const numbers = new Map<string | number | bigint, number>();
  const objects: number[] = [];
  const bytes: number[] = [];
  for (const request of requests) {
    const known = numbers.get(request.id) ?? numbers.size;
    numbers.set(request.id, known);
    objects.push(known);
    bytes.push(request.bytes);
  }
  return {
    name,
    objects: Int32Array.from(objects),
    bytes: Float64Array.from(bytes),
    objectCount: numbers.size,
  };
}

/** The same for one id in every run. */
function madeUpBytes(id: number): number {
  const random = makeRandom(Math.imul(id + 1, 0x9e3779b1));
  const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return Math.max(BYTES_MIN, Math.round(MEDIAN_BYTES * Math.exp(SIGMA * normal)));
}

/** Over 0 and below 1. */
function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

function firstOver(sums: Float64Array, wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
