/** What a file is, told from its first bytes: the name it came with is never believed. */

import type { OriginalExt } from "../base/variant.ts";

/** Bytes that `sniff` wants to see; an SVG may begin with a long comment, the others need 64. */
export const SNIFF_BYTES = 4096;

/** Magic bytes at fixed places, per format; every place must match. */
const MAGIC: readonly (readonly [OriginalExt, readonly (readonly [number, string])[]])[] = [
  ["jpg", [[0, "\xff\xd8\xff"]]],
  ["png", [[0, "\x89PNG\r\n\x1a\n"]]],
  ["gif", [[0, "GIF87a"]]],
  ["gif", [[0, "GIF89a"]]],
  [
    "webp",
    [
      [0, "RIFF"],
      [8, "WEBP"],
    ],
  ],
  ["tiff", [[0, "II*\0"]]],
  ["tiff", [[0, "MM\0*"]]],
  ["tiff", [[0, "II+\0"]]],
  ["tiff", [[0, "MM\0+"]]],
];

/** Brands of ISO base media files (HEIF, ISO 23008-12 §10; AVIF §6). */
const AVIF_BRANDS: ReadonlySet<string> = new Set(["avif", "avis"]);
const HEIC_BRANDS: ReadonlySet<string> = new Set([
  "heic",
  "heix",
  "hevc",
  "hevx",
  "heim",
  "heis",
  "hevm",
  "hevs",
  "mif1",
  "msf1",
]);

/** Lengths of the header that follows the 14 bytes of a BMP file header; "BM" alone is too weak. */
const BMP_HEADER_BYTES: ReadonlySet<number> = new Set([12, 16, 40, 52, 56, 64, 108, 124]);

/** `bin` when it is none of the known ones. Wants the first `SNIFF_BYTES`, or the whole file if shorter. */
export function sniff(head: Uint8Array): OriginalExt {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
  const magic = MAGIC.find(([, places]) =>
    places.every(([at, bytes]) => text.startsWith(bytes, at)),
  );
  if (magic !== undefined) return magic[0];
  if (text.startsWith("ftyp", 4)) return sniffBrands(head, text);
  if (text.startsWith("BM") && BMP_HEADER_BYTES.has(uint32LittleEndian(head, 14))) return "bmp";
  return isSvg(head) ? "svg" : "bin";
}

/** The compatible brands decide before the main one: an AVIF may well call itself `mif1`. */
function sniffBrands(head: Uint8Array, text: string): OriginalExt {
  const end = Math.min(text.length, uint32BigEndian(head, 0));
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text.slice(at, at + 4));
  if (brands.some((brand) => AVIF_BRANDS.has(brand))) return "avif";
  return brands.some((brand) => HEIC_BRANDS.has(brand)) ? "heic" : "bin";
}

/** An `<svg` that nothing but a byte order mark, space, XML prolog, comments and DOCTYPE come before. */
function isSvg(head: Uint8Array): boolean {
  let rest = decodeText(head).trimStart();
  for (;;) {
    const skipped = rest.replace(
      /^(?:<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<![A-Za-z][^[>]*(?:\[[^\]]*\]\s*)?>)\s*/,
      "",
    );
    if (skipped === rest) break;
    rest = skipped;
  }
  return /^<(?:[A-Za-z_][\w.-]*:)?svg[\s/>]/i.test(rest);
}

function decodeText(head: Uint8Array): string {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(head);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(head);
  return new TextDecoder("utf-8").decode(head);
}

function uint32LittleEndian(bytes: Uint8Array, at: number): number {
  return at + 4 > bytes.length ? 0 : view(bytes).getUint32(at, true);
}

function uint32BigEndian(bytes: Uint8Array, at: number): number {
  return at + 4 > bytes.length ? 0 : view(bytes).getUint32(at);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
