/** Which of a site's formats a client asks for by name in `Accept` (RFC 9110 §12.5.1). */

import { LIMITS } from "../base/limits.ts";
import type { Format } from "../base/variant.ts";

const QVALUE = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * The offered formats that the client names, most wanted first; equals in the order of the site.
 * `image/*` and any wildcard name nothing: clients that cannot show avif have always sent them.
 * The first mention of a format counts; one with q=0, with parameters of its own or with a broken
 * q-value is no wish. Looks at no more than `acceptCharsMax` characters and `acceptRangesMax` ranges.
 */
export function acceptedFormats(
  accept: string | null,
  offered: readonly Format[],
): readonly Format[] {
  if (accept === null || offered.length === 0) return [];
  const wishes = new Map<string, number>();
  for (const range of splitOutsideQuotes(accept.slice(0, LIMITS.acceptCharsMax), ",")) {
    const [type = "", ...parameters] = splitOutsideQuotes(range, ";");
    const name = type.trim().toLowerCase();
    if (name === "" || wishes.has(name)) continue;
    const q = qualityOf(parameters);
    if (q !== undefined) wishes.set(name, q);
  }
  const wishFor = (format: Format): number => wishes.get(mediaType(format)) ?? 0;
  return offered.filter((format) => wishFor(format) > 0).sort((a, b) => wishFor(b) - wishFor(a));
}

function mediaType(format: Format): string {
  return format === "jpg" ? "image/jpeg" : `image/${format}`;
}

/** 1 without a q; undefined where the range is narrower than the plain type or its q is broken. */
function qualityOf(parameters: readonly string[]): number | undefined {
  for (const parameter of parameters) {
    const text = parameter.trim();
    if (text === "") continue;
    if (!/^q=/i.test(text)) return undefined;
    const value = text.slice(2);
    return QVALUE.test(value) ? Number(value) : undefined;
  }
  return 1;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator, LIMITS.acceptRangesMax);
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length && parts.length < LIMITS.acceptRangesMax; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === "\\") at++;
    else if (!quoted && char === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  if (parts.length < LIMITS.acceptRangesMax) parts.push(text.slice(start));
  return parts;
}
