/** Pictures that can be shown as examples: found out by asking the mesh for them. */

import type { Ask } from "./ask.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import type { MeshMap } from "./mesh-map.ts";
import type { Photo } from "./photo.ts";
import { isGood } from "./round.ts";

/** As many as there are examples. */
const SAMPLES = 3;

/**
 * The first three that the mesh answers with a picture; fewer when the first few dozen have no
 * more.
 */
export async function findSamples(options: {
  readonly photos: readonly Photo[];
  readonly map: MeshMap;
  readonly ask: Ask;
  readonly signal: AbortSignal;
}): Promise<readonly Photo[]> {
  const { photos, map, ask, signal } = options;
  const samples: Photo[] = [];
  for (const photo of photos.slice(0, DEMO_LIMITS.roundPhotosTried)) {
    if (samples.length === SAMPLES || signal.aborted) break;
    const [owner] = map.ownerFirst(photo);
    const url = map.url(owner, photo, { size: "xs", format: "jpg" });
    if (isGood(await ask({ edge: owner.name, url }, signal))) samples.push(photo);
  }
  return samples;
}
