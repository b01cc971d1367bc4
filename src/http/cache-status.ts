/** `Cache-Status` (RFC 9211): how this node, and those behind it, came by an answer. */

import type { FaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Outcome } from "../content/served.ts";

/** A Structured Fields token (RFC 9651 §3.3.4); every cache here begins with a letter. */
const TOKEN = /^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** Our member last, behind those of the nodes nearer to the origin (RFC 9211 §2). */
export function formatCacheStatus(server: string, outcome: Outcome): string {
  const mine = `${cacheName(server)}${parametersOf(outcome)}`;
  const { via } = outcome;
  // what nodes behind this one say came over the wire: nothing but a short, plain line may enter a header
  if (via === "" || via.length > LIMITS.cacheStatusCharsMax || !PRINTABLE.test(via)) return mine;
  return `${via}, ${mine}`;
}

/**
 * Of a picture that was looked for and cannot be had. What is refused unlooked-for (400, 405) has none: no cache
 * had a part in it (RFC 9211 §2).
 */
export function formatCacheFault(server: string, code: FaultCode): string {
  return `${cacheName(server)}; fwd=uri-miss; detail=${code}`;
}

function parametersOf(outcome: Outcome): string {
  if (outcome.source === "hit") return "; hit";
  const collapsed = outcome.collapsed ? "; collapsed" : "";
  const stored = outcome.stored ? "; stored" : "";
  return `; fwd=uri-miss; detail=${outcome.source}${collapsed}${stored}`;
}

function cacheName(server: string): string {
  const name = `mir-${server}`;
  if (TOKEN.test(name)) return name;
  return `"${name.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
