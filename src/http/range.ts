/** A single byte range out of `Range` (RFC 9110 §14). */

/** Both ends are included, as in `Content-Range`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export type RangeWish =
  /** No range, several, another unit, or a malformed one: the whole is sent. */
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly range: ByteRange }
  /** None of the bytes exist: 416. */
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangeWish = { kind: "whole" };
const UNSATISFIABLE: RangeWish = { kind: "unsatisfiable" };
const SINGLE = /^bytes=([0-9]*)-([0-9]*)$/i;

export function parseRange(header: string | null, totalBytes: number): RangeWish {
  if (header === null) return WHOLE;
  const match = SINGLE.exec(header.trim());
  if (match === null) return WHOLE;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? WHOLE : suffix(Number(last), totalBytes);
  const start = Number(first);
  const end = last === "" ? totalBytes - 1 : Math.min(Number(last), totalBytes - 1);
  // an end before the start is no range at all, which is not the same as one past the end
  if (last !== "" && Number(last) < start) return WHOLE;
  if (start >= totalBytes) return UNSATISFIABLE;
  return { kind: "part", range: { start, end } };
}

/** `bytes 0-9/1000`. */
export function contentRange({ start, end }: ByteRange, totalBytes: number): string {
  return `bytes ${start}-${end}/${totalBytes}`;
}

function suffix(lengthBytes: number, totalBytes: number): RangeWish {
  if (lengthBytes === 0 || totalBytes === 0) return UNSATISFIABLE;
  return {
    kind: "part",
    range: { start: Math.max(0, totalBytes - lengthBytes), end: totalBytes - 1 },
  };
}
