/** A picture the demo's origin holds: where its file is, under which name it is asked for. */

import { symlinkSync } from "node:fs";
import { join } from "node:path";

export interface Photo {
  /** In URLs. */
  readonly webId: string;
  /** Of the stored file, lower case. */
  readonly ext: string;
  /** Absolute. */
  readonly path: string;
}

/** Puts links to the files into an origin directory, as `{webId}.{ext}`. */
export function linkPhotos(photos: readonly Photo[], originDir: string): void {
  for (const photo of photos) {
    symlinkSync(photo.path, join(originDir, `${photo.webId}.${photo.ext}`));
  }
}
