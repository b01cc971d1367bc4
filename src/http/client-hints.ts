/** What a browser says of its screen, as a larger or smaller box to ask for; only where the topology wants it. */

import { LIMITS } from "../base/limits.ts";

/** Told to browsers, which send neither unasked; also in `Vary`, for caches. */
const ACCEPT_CH = "Sec-CH-DPR, Sec-CH-Width, DPR, Width";

interface Box {
  readonly width: number;
  readonly height: number;
}

const NUMBER = /^[0-9]{1,5}(?:\.[0-9]{1,6})?$/;

/**
 * `Width`, the pixels the picture is laid out at, says it all; else the box is multiplied by `DPR`, screen pixels for
 * each of the page, from 1 to `hintDprMax`. The names with `Sec-CH-` go before those of the draft that they replaced.
 * What is no number is no hint. Sides stay within `boxSideMax`, in the box's shape as far as that goes.
 */
export function hintedBox(box: Box, headers: Headers): Box {
  const width = hint(headers, "width");
  if (width !== undefined) return scaled(box, width / box.width);
  const dpr = hint(headers, "dpr");
  if (dpr === undefined) return box;
  return scaled(box, Math.min(LIMITS.hintDprMax, Math.max(1, dpr)));
}

/** `headers` with what caches and browsers have to know; those given stay as they are. */
export function tellHints(headers: Headers, hinted: boolean): Headers {
  const told = new Headers(headers);
  told.set("Accept-CH", ACCEPT_CH);
  if (hinted) told.append("Vary", ACCEPT_CH);
  return told;
}

function hint(headers: Headers, name: "width" | "dpr"): number | undefined {
  const text = (headers.get(`sec-ch-${name}`) ?? headers.get(name) ?? "").trim();
  const value = NUMBER.test(text) ? Number(text) : 0;
  return value > 0 ? value : undefined;
}

function scaled({ width, height }: Box, by: number): Box {
  const side = (length: number): number =>
    Math.min(LIMITS.boxSideMax, Math.max(1, Math.round(length * by)));
  return { width: side(width), height: side(height) };
}
