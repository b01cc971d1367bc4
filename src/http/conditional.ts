/** Conditional requests (RFC 9110 §13): whether the client has the bytes already, or a part of these very ones. */

import type { VariantMeta } from "../base/variant.ts";
import { parseHttpDate } from "./http-date.ts";

/** What a client may hold against us. */
export interface Validators {
  readonly etag: string;
  /** Unix seconds. */
  readonly modified: number;
}

/** Strong: minted once with the bytes, and never shared by others (spec §2). */
export function etagOf(meta: Pick<VariantMeta, "validator" | "bytes">): string {
  return `"${meta.validator}-${meta.bytes.toString(36)}"`;
}

/** The tag is made when it is asked for: most requests hold nothing against us. */
export function validatorsOf(meta: VariantMeta): Validators {
  return {
    modified: meta.modified,
    get etag() {
      return etagOf(meta);
    },
  };
}

/** Whether the answer is 304. With If-None-Match, If-Modified-Since is not looked at (RFC 9110 §13.1.3). */
export function isNotModified(
  headers: Headers,
  validators: Validators,
  nowSeconds: number,
): boolean {
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) return listHolds(noneMatch, validators.etag);
  const since = headers.get("if-modified-since");
  if (since === null) return false;
  const seconds = parseHttpDate(since, nowSeconds);
  return seconds !== undefined && validators.modified <= seconds;
}

/**
 * Whether `Range` may be answered: without If-Range always, else only for the same bytes (RFC 9110 §13.1.5).
 * Tags are compared strongly; a date must be exactly our Last-Modified.
 */
export function rangeApplies(
  ifRange: string | null,
  validators: Validators,
  nowSeconds: number,
): boolean {
  if (ifRange === null) return true;
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  return parseHttpDate(ifRange, nowSeconds) === validators.modified;
}

/** Weak comparison with each member (RFC 9110 §13.1.2); stops at the first thing that is no entity tag. */
function listHolds(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  const member = /[\t ,]*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[\t ]*(?:,|$)/y;
  for (let found = member.exec(list); found !== null; found = member.exec(list)) {
    if (found[1] === etag) return true;
  }
  return false;
}
