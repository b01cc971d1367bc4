/** Writes requests into one buffer, piece by piece, without making anything. */

import type { Random } from "../demo/random.ts";
import { BENCH_LIMITS } from "./bounds.ts";
import { type IdPack, isWholePath, startOfId } from "./id-pack.ts";
import type { Variant } from "./plan.ts";

export interface Requests {
  /** For the variant of an id; bytes of `buffer` that are the request. */
  write(id: number, variant: number): number;
  /** For the variant of an id that nobody has: another one each time. */
  writeMissing(random: Random, variant: number): number;
}

/** What browsers of the last years accept; only `auto` looks at it. */
const ACCEPT = "Accept: image/avif,image/webp,*/*;q=0.8\r\n";
const MISSING_DIGITS = 16;

/** Room for the longest request, whatever its pieces are. */
export function makeRequestBuffer(): Buffer {
  return Buffer.alloc(BENCH_LIMITS.idCharsMax + 4096);
}

export function makeRequests(options: {
  readonly buffer: Buffer;
  readonly pack: IdPack;
  readonly prefix: string;
  readonly variants: readonly Variant[];
  /** As in `Host`. */
  readonly authority: string;
}): Requests {
  const { buffer, pack, prefix, variants, authority } = options;
  const { bytes, ends } = pack;
  const fields = `Host: ${authority}\r\nUser-Agent: mir-bench\r\n`;
  const wholeHead = Buffer.from("GET ");
  const wholeTail = Buffer.from(` HTTP/1.1\r\n${fields}\r\n`);
  const idHead = Buffer.from(`GET /${prefix}/`);
  const missingHead = Buffer.from(`GET /${prefix}/nobody-`);
  const tails = variants.map(({ size, format }) =>
    Buffer.from(`/${size}/a.${format} HTTP/1.1\r\n${fields}${format === "auto" ? ACCEPT : ""}\r\n`),
  );
  const put = (at: number, from: Uint8Array, start: number, end: number): number => {
    let to = at;
    for (let i = start; i < end; i++) buffer[to++] = from[i] ?? 0;
    return to;
  };
  const putAll = (at: number, from: Uint8Array): number => put(at, from, 0, from.length);
  return {
    write(id, variant) {
      const whole = isWholePath(pack, id);
      const head = putAll(0, whole ? wholeHead : idHead);
      const at = put(head, bytes, startOfId(pack, id), ends[id] ?? 0);
      return putAll(at, whole ? wholeTail : (tails[variant] ?? wholeTail));
    },
    writeMissing(random, variant) {
      let at = putAll(0, missingHead);
      for (let n = 0; n < MISSING_DIGITS; n++) {
        buffer[at++] = "0123456789abcdef".charCodeAt(Math.floor(random() * 16));
      }
      return putAll(at, tails[variant] ?? wholeTail);
    },
  };
}
