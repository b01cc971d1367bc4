/** Pictures that killed image workers and jobs that outlasted them: refused for a while, so that they cost no more. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import type { ImageJob } from "./job.ts";

export interface RefusedJobs {
  /** Milliseconds for which this job is still refused; 0 when it is not. */
  waitMs(job: ImageJob): number;
  /** The picture crashed the decoder twice: no job of it is let in. */
  refuseSource(job: ImageJob): void;
  /** The job took too long: a smaller one of the same picture may do. */
  refuseJob(job: ImageJob): void;
}

export function makeRefusedJobs(clock: Clock): RefusedJobs {
  const until = new Map<string, number>();

  const refuse = (key: string): void => {
    // set anew, so that the order of the Map is the order of expiry
    until.delete(key);
    if (until.size >= LIMITS.imageRefusedMax) {
      const oldest = until.keys().next();
      if (!oldest.done) until.delete(oldest.value);
    }
    until.set(key, clock.monotonicMs() + DEADLINES.imageRefusedMs);
  };

  const wait = (key: string): number => {
    const end = until.get(key);
    if (end === undefined) return 0;
    const waitMs = end - clock.monotonicMs();
    if (waitMs <= 0) until.delete(key);
    return Math.max(0, waitMs);
  };

  return {
    waitMs: (job) => Math.max(wait(sourceOf(job)), wait(keyOf(job))),
    refuseSource: (job) => refuse(sourceOf(job)),
    refuseJob: (job) => refuse(keyOf(job)),
  };
}

function sourceOf(job: ImageJob): string {
  return job.of ?? job.source;
}

/** No path holds a NUL, so a job's key is never a source's. */
function keyOf(job: ImageJob): string {
  if (job.kind === "probe") return `${sourceOf(job)}\0probe`;
  return `${sourceOf(job)}\0${job.box.width}x${job.box.height}.${job.format}`;
}
