/** Extensions as files carry them, and the one of ours that each means. */

import { isOriginalExt, type OriginalExt } from "./variant.ts";

/** Other spellings, the usual one first. */
const SPELLINGS: Readonly<Partial<Record<OriginalExt, readonly string[]>>> = {
  jpg: ["jpeg"],
  tiff: ["tif"],
  heic: ["heif"],
};

const MEANINGS: ReadonlyMap<string, OriginalExt> = new Map(
  Object.entries(SPELLINGS).flatMap(([ext, others]) =>
    isOriginalExt(ext) ? others.map((other): [string, OriginalExt] => [other, ext]) : [],
  ),
);

/** `JPEG` means jpg; undefined for an ext that no original carries. */
export function originalExtOf(text: string): OriginalExt | undefined {
  const lower = text.toLowerCase();
  return isOriginalExt(lower) ? lower : MEANINGS.get(lower);
}

/** How a file of this ext may be spelled, ours first. */
export function spellingsOf(ext: OriginalExt): readonly string[] {
  return [ext, ...(SPELLINGS[ext] ?? [])];
}
