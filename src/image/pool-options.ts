/** What a pool of image workers goes by. */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { WaitBoard } from "./wait-board.ts";

export interface ImagePoolOptions {
  /** Image workers at most; each is started when a job finds no idle one. */
  readonly workers: number;
  /** Program and arguments that end in `runImageWorker`. */
  readonly command: readonly string[];
  /** For the children, beside the few variables they inherit. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of each lane of jobs that somebody waits for. */
  readonly queueMax: number;
  readonly jobMs: number;
  /** Told what one more job would wait. */
  readonly board?: Pick<WaitBoard, "post">;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** When a child is replaced: `LIMITS.imageWorkerJobsMax`, `imageWorkerBytesMax`, and in mid-job `imageWorkerBytesCeiling`. */
  readonly recycle?: {
    readonly jobsMax: number;
    readonly rssBytesMax: number;
    readonly rssBytesCeiling?: number;
  };
}
