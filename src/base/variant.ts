/** Names of pictures: content id, size, format, and the relname that joins them (spec §3). */

import { LIMITS } from "./limits.ts";
import { makeMemo } from "./memo.ts";

/** Formats a variant can be made in. */
export const FORMATS = ["jpg", "png", "webp", "avif", "gif"] as const;
export type Format = (typeof FORMATS)[number];

/** The size that is the stored bytes themselves. */
export const ORIG = "orig";

/** The size of a picture to be shown until the real one is there: a few hundred bytes of webp, for every site. */
export const PLACEHOLDER = "placeholder";
export const PLACEHOLDER_FORMAT = "webp" satisfies Format;

/** Extensions an original may carry: what sniffing can say. `bin` is "none of the known ones". */
export const ORIGINAL_EXTS = [...FORMATS, "heic", "tiff", "bmp", "svg", "bin"] as const;
export type OriginalExt = (typeof ORIGINAL_EXTS)[number];

/** One servable thing: content id + size + format. `size` is a class name, a box `WxH`, `orig` or `placeholder`. */
export interface Variant {
  readonly id: string;
  readonly size: string;
  /** A `Format`; for `orig` an `OriginalExt`, for `placeholder` always webp. */
  readonly ext: string;
}

/** What is known of the original picture, upright; it travels with every variant of it. */
export interface Facts {
  /** Pixels after EXIF orientation; 0 when not yet looked at. */
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  readonly animated: boolean;
}

/** What travels with the bytes of a variant and is never recomputed (spec §2 "Validators"). */
export interface VariantMeta {
  readonly relname: string;
  readonly bytes: number;
  /** 16 hex digits minted once by the node that first made or fetched the variant. */
  readonly validator: string;
  /** Unix seconds, for `Last-Modified` only. */
  readonly modified: number;
  readonly facts: Facts;
  /** Lossy encodings between the original and these bytes; 0 for the original and for lossless copies. */
  readonly lossySteps: number;
  /**
   * Unix seconds at which its original was read from the store or uploaded, at the earliest. undefined when
   * unknown, and for what the index says of a variant: see cache/purged.ts.
   */
  readonly sourceAt?: number | undefined;
}

export const UNKNOWN_FACTS: Facts = { width: 0, height: 0, alpha: false, animated: false };

const CONTENT_ID = new RegExp(
  `^[A-Za-z0-9_-]{${LIMITS.contentIdCharsMin},${LIMITS.contentIdCharsMax}}$`,
);
const SIZE = /^(?:[a-z][a-z0-9]{0,15}|[1-9][0-9]{0,3}x[1-9][0-9]{0,3})$/;
const EXT = /^[a-z0-9]{2,5}$/;

/** Of a relname without its leading slash. */
const SLASHES_AT = [2, 5, 8] as const;
const SIZE_AT = 9;

export function isContentId(text: string): boolean {
  return CONTENT_ID.test(text);
}

export function isFormat(text: string): text is Format {
  return (FORMATS as readonly string[]).includes(text);
}

export function isOriginalExt(text: string): text is OriginalExt {
  return (ORIGINAL_EXTS as readonly string[]).includes(text);
}

/** The one named last: what is asked for is named several times in a row (bench/versus/peer-stream.ts). */
let lastNamed: { readonly variant: Variant; readonly relname: string } | undefined;

/** `vi/ra/l1/md/viral123.jpg` for {viral123, md, jpg}. The parts must be valid. */
export function relnameOf(variant: Variant): string {
  if (lastNamed?.variant !== variant) {
    const { id, size, ext } = variant;
    lastNamed = { variant, relname: `${foldersOf(id)}${size}/${id}.${ext}` };
  }
  return lastNamed.relname;
}

const originals = makeMemo<readonly string[]>(LIMITS.originalNamesMemoMax);

/** The original of an id under each ext that it may have, that of `ext` first. */
export function originalNames(id: string, ext: string): readonly string[] {
  const known = originals.get(id);
  if (known?.[0]?.endsWith(`.${ext}`) === true) return known;
  const stem = `${foldersOf(id)}${ORIG}/${id}.`;
  const names = [ext, ...ORIGINAL_EXTS.filter((other) => other !== ext)].map((one) => stem + one);
  originals.set(id, names);
  return names;
}

const taken = makeMemo<Variant>(LIMITS.relnameMemoMax);

/** The variant a relname stands for, or undefined when it is not exactly of that form; a leading `/` is accepted. */
export function parseRelname(text: string): Variant | undefined {
  if (text.length > LIMITS.wireRelnameBytesMax) return undefined;
  // several times for each request between nodes (bench/micro/wire.ts)
  const known = taken.get(text);
  if (known !== undefined) return known;
  const variant = takeApart(text);
  if (variant !== undefined) taken.set(text, variant);
  return variant;
}

/** Found by position, not split. */
function takeApart(text: string): Variant | undefined {
  const start = text.startsWith("/") ? 1 : 0;
  for (const at of SLASHES_AT) if (text[start + at] !== "/") return undefined;
  const sizeAt = start + SIZE_AT;
  const sizeEnd = text.indexOf("/", sizeAt);
  const dot = text.lastIndexOf(".");
  if (sizeEnd < 0 || dot < sizeEnd) return undefined;
  const size = text.slice(sizeAt, sizeEnd);
  const id = text.slice(sizeEnd + 1, dot);
  const ext = text.slice(dot + 1);
  if (!isContentId(id) || !SIZE.test(size) || !EXT.test(ext)) return undefined;
  if (!isExtOf(size, ext)) return undefined;
  return text.startsWith(foldersOf(id), start) ? { id, size, ext } : undefined;
}

/** A name of an id without the id. */
export type NameOfId = Omit<Variant, "id">;

/** Every name that an id can have in these sizes, in their order. */
export function namesInSizes(sizes: readonly string[]): NameOfId[] {
  return sizes.flatMap((size) =>
    ORIGINAL_EXTS.filter((ext) => isExtOf(size, ext)).map((ext) => ({ size, ext })),
  );
}

/** Whether that size comes with that ext. */
function isExtOf(size: string, ext: string): boolean {
  if (size === ORIG) return isOriginalExt(ext);
  return size === PLACEHOLDER ? ext === PLACEHOLDER_FORMAT : isFormat(ext);
}

/** `vi/ra/l1/` */
function foldersOf(id: string): string {
  return `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/`;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  avif: "image/avif",
  gif: "image/gif",
  heic: "image/heic",
  tiff: "image/tiff",
  bmp: "image/bmp",
  // never image/svg+xml: an SVG served from here could run scripts on the site's origin
  svg: "application/octet-stream",
  bin: "application/octet-stream",
};

/** Content-Type for a relname's ext. */
export function contentTypeOf(ext: string): string {
  return CONTENT_TYPES[ext] ?? "application/octet-stream";
}
