/** A body that outlives the disk it was read from as it grew: the rest comes from the source (spec §8). */

import type { Body } from "../base/body.ts";
import { asFault } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import { bodyFrom, sendOf } from "./body-from.ts";
import type { Served } from "./served.ts";

/** Goes on at the same byte of what `direct` brings, once, and only with the same bytes; else the reader gets the first failure. */
export function pastDisk(
  begun: { readonly meta: VariantMeta; readonly body: Body },
  direct: () => Promise<Served>,
): Body {
  const { meta } = begun;
  let { body } = begun;
  let handed = 0;
  let moved = false;
  let cancelled = false;

  const goOn = async (error: unknown): Promise<Body> => {
    if (asFault(error).code !== "disk_full" || cancelled || moved) throw error;
    moved = true;
    const served = await direct();
    const { validator, bytes } = served.meta;
    const same = validator === meta.validator && bytes === meta.bytes;
    if (same && !cancelled) return bodyFrom(meta, sendOf(served), handed);
    if (served.kind === "stream") served.body.cancel();
    throw error;
  };

  return {
    async read() {
      let got: Uint8Array | undefined;
      try {
        got = await body.read();
      } catch (error) {
        body = await goOn(error);
        got = await body.read();
      }
      handed += got?.length ?? 0;
      return got;
    },
    cancel() {
      cancelled = true;
      body.cancel();
    },
  };
}
