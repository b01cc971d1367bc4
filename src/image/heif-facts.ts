/** What a HEIC says of its picture in its header (ISO 23008-12): its pixels cannot be decoded here, its size can be read. */

import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { Facts } from "../base/variant.ts";
import type { Sides } from "./fit.ts";
import type { JobLimits } from "./job.ts";
import { sniff } from "./sniff.ts";

/** The boxes that describe pictures lie before the pictures themselves. */
const HEAD_BYTES = 256 * 1024;
const BOX_HEAD_BYTES = 8;
/** Boxes looked at in one file: one with more is no photograph. */
const BOXES_MAX = 4096;
/** Boxes that hold the properties of pictures, outermost first, and the bytes before what they hold. */
const PATH: readonly { readonly type: string; readonly skip: number }[] = [
  { type: "meta", skip: 4 },
  { type: "iprp", skip: 0 },
  { type: "ipco", skip: 0 },
];

/** Of a file that is HEIC. Throws `undecodable` when its header does not tell, `image_too_large` over the limits. */
export function heifFacts(path: string, limits: JobLimits): Facts {
  const head = readHead(path);
  const sides = sniff(head) === "heic" ? sidesOf(head) : undefined;
  if (sides === undefined) throw new Fault("undecodable", "the HEIC does not tell its size");
  const pixels = sides.width * sides.height;
  if (pixels > limits.pixels) {
    throw new Fault(
      "image_too_large",
      `the picture has ${pixels} pixels, ${limits.pixels} are allowed`,
    );
  }
  return { ...sides, alpha: false, animated: false };
}

function readHead(path: string): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const head = new Uint8Array(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

interface Box {
  readonly type: string;
  /** What is in it. */
  readonly from: number;
  readonly to: number;
}

/** Photographs are laid together from tiles, which have sizes of their own: the largest is the picture's. */
function sidesOf(head: Uint8Array): Sides | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let within: Box | undefined = { type: "", from: 0, to: head.length };
  for (const { type, skip } of PATH) {
    const found: Box | undefined = within && boxesIn(view, within).find((box) => box.type === type);
    within = found && { ...found, from: found.from + skip };
  }
  if (within === undefined) return undefined;
  const properties = boxesIn(view, within);
  const [largest] = properties
    .filter(({ type, from, to }) => type === "ispe" && to - from >= 12)
    .map(({ from }) => ({ width: view.getUint32(from + 4), height: view.getUint32(from + 8) }))
    .filter(({ width, height }) => width > 0 && height > 0)
    .sort((a, b) => b.width * b.height - a.width * a.height);
  if (largest === undefined) return undefined;
  // turned by a quarter, or three
  const turned = properties.some(
    ({ type, from, to }) => type === "irot" && to > from && view.getUint8(from) % 2 === 1,
  );
  return turned ? { width: largest.height, height: largest.width } : largest;
}

/** As far as they are well formed. */
function boxesIn(view: DataView, { from, to }: Box): Box[] {
  const boxes: Box[] = [];
  const end = Math.min(to, view.byteLength);
  let at = from;
  while (at + BOX_HEAD_BYTES <= end && boxes.length < BOXES_MAX) {
    const bytes = view.getUint32(at);
    if (bytes < BOX_HEAD_BYTES) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
    boxes.push({ type, from: at + BOX_HEAD_BYTES, to: Math.min(at + bytes, end) });
    at += bytes;
  }
  return boxes;
}
