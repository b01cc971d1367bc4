/** Draws the demo's own pictures into a directory, those that are not there already. */

import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DEMO_LIMITS } from "./bounds.ts";
import { drawPhoto } from "./draw.ts";
import type { OwnPhoto } from "./own-photos.ts";
import type { Photo } from "./photo.ts";

export interface DrawOptions {
  /** Of this drawing version alone. Made when it is not there. */
  readonly dir: string;
  /** Told after each picture, and before the first when any has to be drawn. */
  readonly progress: (drawn: number, toDraw: number) => void;
  readonly signal: AbortSignal;
}

/**
 * A picture is published by rename, so that one that is there is whole, however the last run
 * ended.
 */
export async function drawPhotos(
  own: readonly OwnPhoto[],
  options: DrawOptions,
): Promise<readonly Photo[]> {
  const { dir, progress, signal } = options;
  mkdirSync(dir, { recursive: true });
  const pathOf = ({ name, ext }: OwnPhoto): string => join(dir, `${name}.${ext}`);
  const missing = own.filter((photo) => !isThere(pathOf(photo)));
  if (missing.length > 0) progress(0, missing.length);
  const queue = [...missing];
  let drawn = 0;
  const drawNext = async (): Promise<void> => {
    for (let photo = queue.shift(); photo !== undefined; photo = queue.shift()) {
      signal.throwIfAborted();
      await drawAside(photo, pathOf(photo));
      drawn++;
      progress(drawn, missing.length);
    }
  };
  await Promise.all(Array.from({ length: DEMO_LIMITS.drawnAtOnce }, drawNext));
  return own.map((photo) => ({ webId: photo.name, ext: photo.ext, path: pathOf(photo) }));
}

async function drawAside(photo: OwnPhoto, path: string): Promise<void> {
  const aside = `${path}.${process.pid}.part`;
  try {
    await drawPhoto(photo, aside);
    renameSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

function isThere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size > 0;
}
