/** The file an image job did not finish. */

import { unlinkSync } from "node:fs";
import type { ImageJob } from "./job.ts";

/** Afterwards it is not there, whether it was or not. */
export function removeTarget(job: ImageJob): void {
  if (job.kind === "probe") return;
  try {
    unlinkSync(job.target);
  } catch {
    // not written, which is the usual case
  }
}
