/** The eviction policy that the shared memory was made for. */

import type { Eviction } from "./eviction.ts";
import { makeLru } from "./lru.ts";
import { makeS3Fifo } from "./s3-fifo.ts";
import type { View } from "./view.ts";

export function makeEviction(view: View): Eviction {
  return view.stamped ? makeLru(view) : makeS3Fifo(view);
}
