/** A hit on disk, offered to the RAM tier. */

import { readSmallFile } from "./body.ts";
import type { DiskHit } from "./noted.ts";
import type { Held, Ram } from "./ram.ts";

/** What is held of it from now on. */
export function holdHit(ram: Ram | undefined, hit: DiskHit, key: string): Held | undefined {
  const { webId, success } = hit;
  const { meta, path } = hit.served;
  const read = (): Uint8Array | undefined => {
    try {
      return readSmallFile(path, meta.bytes);
    } catch {
      // told when it is sent from where it lies
      return undefined;
    }
  };
  return ram?.offer(key, { webId, meta, success, read });
}
