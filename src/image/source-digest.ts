/** Whether a source still is what was published: what is made of a damaged file would be kept as good. */

import { readFileSync, statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { MakeJob } from "./job.ts";

/** False too of what is not there, or has more bytes than may be decoded: that is told elsewhere. */
export function isDamaged({ source, sourceDigest, limits }: MakeJob): boolean {
  if (sourceDigest === undefined) return false;
  const found = statSync(source, { throwIfNoEntry: false });
  if (found === undefined || found.size > limits.sourceBytes) return false;
  const digest = Bun.hash.xxHash64(readFileSync(source)).toString(16).padStart(16, "0");
  return digest !== sourceDigest;
}

/** Throws `undecodable`. */
export function refuseDamaged(job: MakeJob): void {
  if (isDamaged(job)) {
    throw new Fault("undecodable", "the picture it was to be made from is damaged");
  }
}
