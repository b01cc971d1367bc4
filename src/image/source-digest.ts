/** Whether a source still is what was published: what is made of a damaged file would be kept as good. */

import { readFileSync, statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { digestOf } from "../wire/xxhash.ts";
import type { MakeJob } from "./job.ts";

/** Throws where it cannot be read. False too of what is not there, or has more bytes than may be decoded: that is told elsewhere. */
export function isDamaged({ source, sourceDigest, limits }: MakeJob): boolean {
  if (sourceDigest === undefined) return false;
  const found = statSync(source, { throwIfNoEntry: false });
  if (found === undefined || found.size > limits.sourceBytes) return false;
  return digestOf(readFileSync(source)) !== sourceDigest;
}

/** Throws `undecodable`, and where it cannot be read. */
export function refuseDamaged(job: MakeJob): void {
  if (isDamaged(job)) {
    throw new Fault("undecodable", "the picture it was to be made from is damaged");
  }
}
