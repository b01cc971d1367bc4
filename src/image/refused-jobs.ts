/** Pictures that killed image workers and jobs that outlasted them: refused for a while, so that they cost no more. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { ImageJob } from "./job.ts";

export interface RefusedJobs {
  /** Milliseconds for which this job is still refused; 0 when it is not. */
  waitMs(job: ImageJob): number;
  /** An image worker died of the picture. True when it was one too many: no job of it is let in for a while. */
  crashed(job: ImageJob): boolean;
  /** The picture was worked on and nobody died: earlier deaths were not its doing. */
  survived(job: ImageJob): void;
  /** The job took too long: a smaller one of the same picture may do. */
  refuseJob(job: ImageJob): void;
}

export function makeRefusedJobs(clock: Clock): RefusedJobs {
  const until = new TurnoverMap<string, number>();
  const crashes = new TurnoverMap<string, { readonly count: number; readonly until: number }>();

  const refuse = (key: string): void => {
    setLast(until, key, clock.monotonicMs() + DEADLINES.imageRefusedMs);
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
    crashed(job) {
      const source = sourceOf(job);
      const now = clock.monotonicMs();
      const before = crashes.get(source);
      const count = (before !== undefined && before.until > now ? before.count : 0) + 1;
      if (count >= LIMITS.imageCrashesMax) {
        crashes.delete(source);
        refuse(source);
        return true;
      }
      setLast(crashes, source, { count, until: now + DEADLINES.imageRefusedMs });
      return false;
    },
    survived: (job) => crashes.delete(sourceOf(job)),
    refuseJob: (job) => refuse(keyOf(job)),
  };
}

/** What the job works on, whatever path that has at the moment. */
export function sourceOf(job: ImageJob): string {
  return job.of ?? job.source;
}

/** Which picture it is, for the log. */
export function toldOf(job: ImageJob): {
  readonly id: string | undefined;
  readonly source: string;
} {
  return { id: job.id, source: sourceOf(job) };
}

/** Set anew, so that the order of the map is the order of expiry; the oldest goes when it is full. */
function setLast<V>(map: TurnoverMap<string, V>, key: string, value: V): void {
  map.delete(key);
  if (map.size >= LIMITS.imageRefusedMax) map.deleteFirst();
  map.set(key, value);
}

/** No path holds a NUL, so a job's key is never a source's. */
function keyOf(job: ImageJob): string {
  if (job.kind === "probe") return `${sourceOf(job)}\0probe${job.whole ? ".whole" : ""}`;
  return `${sourceOf(job)}\0${job.box.width}x${job.box.height}.${job.fit}.${job.format}`;
}
