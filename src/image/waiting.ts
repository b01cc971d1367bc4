/** Image jobs on their way to a worker: let in by lane and bound, steered while they wait, handed out in batches. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counters } from "../observe/counters.ts";
import type { Demand } from "./demand.ts";
import type { ImageJob, MadeResult, ProbedResult } from "./job.ts";
import { costMs, isSmall } from "./job-cost.ts";
import { type Lane, type LanePlace, makeLanes } from "./lanes.ts";
import { sourceOf } from "./refused-jobs.ts";
import { removeTarget } from "./remove-target.ts";
import type { ImageWaits } from "./wait-board.ts";
import { makeWorkload } from "./workload.ts";

/** A job that somebody waits for. */
export interface Task {
  readonly job: ImageJob;
  readonly lane: Lane;
  readonly addedMs: number;
  readonly answer: PromiseWithResolvers<MadeResult | ProbedResult>;
}

export interface Waiting {
  /** Jobs asked for that wait, and jobs of which nobody waits for the result. */
  readonly sizes: { readonly queued: number; readonly later: number };
  /** What one more job would wait. */
  readonly waits: ImageWaits;
  /** Throws `overloaded` when there is no room, or the wait would be longer than its patience. */
  add(job: ImageJob, demand: Demand): Task;
  /** What an image worker does next: one job, or several of one picture that are worth one decoding. */
  next(): readonly Task[];
  /** Once more, alone and before everything else: their image worker has died. */
  again(tasks: readonly Task[]): void;
  /** All that wait, or all of one picture. */
  takeOut(source?: string): readonly Task[];
  /** A job has run for so long. */
  took(job: ImageJob, ms: number): void;
}

export function makeWaiting(options: {
  readonly workers: number;
  readonly queueMax: number;
  readonly busy: () => number;
  readonly counters: Counters;
  readonly clock: Clock;
}): Waiting {
  const { workers, queueMax, busy, counters, clock } = options;
  const itemsMax = { small: queueMax, now: queueMax, later: LIMITS.imageLaterMax };
  const lanes = makeLanes<Task>({ itemsMax, clock });
  const workload = makeWorkload(workers);
  /** They were counted by their lane already, and at most as many as there are jobs at work. */
  const again: Task[] = [];

  const ahead = () => ({ busy: busy() + again.length, waiting: lanes.sizes });

  const overloaded = (lane: Lane, message: string): Fault =>
    new Fault("overloaded", message, { retryAfterMs: workload.retryAfterMs(lane, ahead()) });

  return {
    get waits() {
      return waitsOf(lanes.sizes, queueMax, (lane) => workload.waitMs(lane, ahead()));
    },
    get sizes() {
      const { small, now, later } = lanes.sizes;
      return { queued: small + now + again.length, later };
    },
    add(job, demand) {
      const { patienceMs = Number.POSITIVE_INFINITY, deadlineMs, later = false } = demand;
      const lane = laneOf(job, later);
      if (workload.waitMs(lane, ahead()) > patienceMs) {
        throw overloaded(lane, "no image worker will be free in time");
      }
      const addedMs = clock.monotonicMs();
      const task: Task = { job, lane, addedMs, answer: Promise.withResolvers() };
      const longestMs = later ? DEADLINES.imageLaterMs : DEADLINES.imageQueueMs;
      const place = lanes.add(task, {
        lane,
        costMs: costMs(job),
        waitMs: Math.max(0, Math.min(deadlineMs, patienceMs, longestMs)),
        expired: () => {
          removeTarget(job);
          task.answer.reject(overloaded(lane, "no image worker was free in time"));
        },
      });
      if (place === undefined) throw overloaded(lane, "too many image jobs wait");
      steer(task, place, { ...demand, counters });
      return task;
    },
    next() {
      const alone = again.shift();
      if (alone !== undefined) return [alone];
      const head = lanes.take();
      if (head === undefined) return [];
      if (head.job.kind === "probe") return [head];
      const mates = lanes.takeAll((task) => isMate(task, head), LIMITS.imageBatchMax - 1);
      if (mates.length > 0) counters.add("image_batched", mates.length);
      // the quickest first: none of them waits for one that takes long
      return [head, ...mates].sort((a, b) => costMs(a.job) - costMs(b.job));
    },
    again: (tasks) => again.push(...tasks),
    takeOut(source) {
      const of = ({ job }: Task): boolean => source === undefined || sourceOf(job) === source;
      const waiting = lanes.takeAll(of, Number.POSITIVE_INFINITY);
      const crashed = again.filter(of);
      again.splice(0, again.length, ...again.filter((task) => !of(task)));
      return [...crashed, ...waiting];
    },
    took: (job, ms) => workload.took(isSmall(job), ms),
  };
}

/** Takes it out when nobody waits for it any more, and forward when somebody does again. */
function steer(
  { job, answer }: Task,
  place: LanePlace,
  { gone, hurry, counters }: Pick<Demand, "gone" | "hurry"> & { readonly counters: Counters },
): void {
  const leave = (): void => {
    if (!place.leave()) return;
    counters.add("image_left");
    removeTarget(job);
    answer.reject(new Fault("abandoned", "nobody waits for the picture any more"));
  };
  const move = (): void => {
    place.move({ lane: laneOf(job, false), waitMs: DEADLINES.imageQueueMs });
  };
  gone?.addEventListener("abort", leave, { once: true });
  hurry?.addEventListener("abort", move, { once: true });
  const end = (): void => {
    gone?.removeEventListener("abort", leave);
    hurry?.removeEventListener("abort", move);
  };
  answer.promise.then(end, end);
  if (gone?.aborted === true) leave();
  else if (hurry?.aborted === true) move();
}

function waitsOf(
  sizes: Readonly<Record<Lane, number>>,
  queueMax: number,
  waitMs: (lane: Lane) => number,
): ImageWaits {
  const of = (lane: Lane): number =>
    sizes[lane] < queueMax ? waitMs(lane) : Number.POSITIVE_INFINITY;
  return { small: of("small"), now: of("now") };
}

function laneOf(job: ImageJob, later: boolean): Lane {
  if (later) return "later";
  return isSmall(job) ? "small" : "now";
}

/** What nobody waits for does not ride on what somebody waits for. */
function isMate({ job, lane }: Task, head: Task): boolean {
  if (job.kind === "probe" || sourceOf(job) !== sourceOf(head.job)) return false;
  return lane !== "later" || head.lane === "later";
}
