/** `--photos DIR`: the pictures of a directory, each with a web id made from its file name. */

import { opendirSync, statSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { Fault } from "../../base/fault.ts";
import { LIMITS } from "../../base/limits.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import type { Photo } from "./photo.ts";

/** Extensions taken, and how each is written in the origin directory. */
const EXTS: Readonly<Record<string, string>> = {
  ".jpg": "jpg",
  ".jpeg": "jpg",
  ".png": "png",
  ".webp": "webp",
  ".gif": "gif",
  ".avif": "avif",
};

const NAMES_SHOWN = 5;

export interface GivenPhotos {
  /** In the order of their file names. */
  readonly photos: readonly Photo[];
  /** Pictures beyond the limit. */
  readonly leftOut: number;
}

/**
 * The directory itself only, not those below it. Nothing is opened: a damaged file is found out by
 * the node that is asked for it. Throws a Fault when there is no such directory or no picture in
 * it.
 */
export function findPhotos(
  dir: string,
  limits: { readonly photosMax: number; readonly directoryFilesMax: number } = DEMO_LIMITS,
): GivenPhotos {
  const names = pictureNames(dir, limits.directoryFilesMax).sort();
  if (names.length === 0) {
    const wanted = Object.keys(EXTS).join(" ");
    const hint = "directories in it are not searched";
    throw new Fault("bad_request", `--photos ${dir}: no picture there (${wanted}); ${hint}`);
  }
  const taken = new Set<string>();
  const photos = names.slice(0, limits.photosMax).map((name): Photo => {
    const webId = uniqueWebId(name, taken);
    return { webId, ext: EXTS[extOf(name)] ?? "jpg", path: resolve(dir, name) };
  });
  return { photos, leftOut: names.length - photos.length };
}

/** Which files take part: the first by name, the rest as a number. */
export function takenLines(
  taken: GivenPhotos & { readonly dir: string },
): readonly [string, ...string[]] {
  const { dir, photos, leftOut } = taken;
  const count = `${photos.length} ${photos.length === 1 ? "picture" : "pictures"}`;
  const names = photos.slice(0, NAMES_SHOWN).map(({ path }) => basename(path));
  const more = photos.length > names.length ? ", …" : "";
  const lines = [`${count} of ${dir} take part: ${names.join(", ")}${more}`] as const;
  if (leftOut === 0) return lines;
  return [...lines, `${leftOut} more, later by name, are left out`];
}

function pictureNames(dir: string, filesMax: number): string[] {
  const names: string[] = [];
  try {
    const handle = opendirSync(dir);
    try {
      for (let looked = 0; looked < filesMax; looked++) {
        const found = handle.readSync();
        if (found === null) break;
        if (Object.hasOwn(EXTS, extOf(found.name)) && isFile(join(dir, found.name))) {
          names.push(found.name);
        }
      }
    } finally {
      handle.closeSync();
    }
  } catch (cause) {
    throw new Fault("bad_request", `--photos ${dir} cannot be read as a directory`, { cause });
  }
  return names;
}

/** Links are followed; one that leads nowhere is no picture. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function extOf(name: string): string {
  return extname(name).toLowerCase();
}

/** Longest stem that still resolves without an API: longer ones have no content id of their own. */
const STEM_CHARS_MAX = Math.min(60, LIMITS.webIdCharsMax);

/** `Höhe 1.JPG` → `h-he-1`; a name that is taken gets a number. */
function uniqueWebId(name: string, taken: Set<string>): string {
  const stem =
    name
      .slice(0, name.length - extOf(name).length)
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-")
      .slice(0, STEM_CHARS_MAX) || "photo";
  let webId = stem;
  for (let n = 2; taken.has(webId); n++) webId = `${stem}-${n}`;
  taken.add(webId);
  return webId;
}
