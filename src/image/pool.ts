/** The image workers of a node: one queue, children started on demand, no job able to take the node with it. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type ChildEnd, type ChildListener, ImageChild } from "./child.ts";
import type { ImageJob, JobOutcome, MadeResult, ProbedResult } from "./job.ts";
import { costMs } from "./job-cost.ts";
import { type JobQueue, makeJobQueue } from "./job-queue.ts";
import { makeRefusedJobs, type RefusedJobs } from "./refused-jobs.ts";
import { removeTarget } from "./remove-target.ts";

export interface ImagePool {
  /**
   * Waits at most `deadlineMs` for an image worker; once it runs, a job has `jobMs`. Throws Faults:
   * the job's own, `overloaded` (no turn in time), `image_failed` (crashed twice, or too slow),
   * `draining`. When it throws, the target does not exist.
   */
  run(job: ImageJob, options: { readonly deadlineMs: number }): Promise<MadeResult | ProbedResult>;
  /** Starts one image worker before there is work, so that one that cannot start is in the log early. */
  warmUp(): void;
  stats(): { readonly workers: number; readonly busy: number; readonly queued: number };
  /** Refuses what waits, kills the image workers, and resolves when they are gone. */
  close(): Promise<void>;
}

export interface ImagePoolOptions {
  /** Image workers at most; each is started when a job finds no idle one. */
  readonly workers: number;
  /** Program and arguments that end in `runImageWorker`. */
  readonly command: readonly string[];
  /** For the children, beside the few variables they inherit. */
  readonly env?: Readonly<Record<string, string>>;
  readonly queueMax: number;
  readonly jobMs: number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** When a child is replaced; `LIMITS.imageWorkerJobsMax` and `LIMITS.imageWorkerBytesMax`. */
  readonly recycle?: { readonly jobsMax: number; readonly rssBytesMax: number };
}

/** To be called on the main thread only: a thread's children outlive it as zombies (spikes E). */
export function makeImagePool(options: ImagePoolOptions): ImagePool {
  return new Pool(options);
}

/** A job that kills this many children is refused. */
const CRASHES_MAX = 2;
/** Starts that must fail in a row, with no child alive, before waiting jobs are told. */
const FAILED_STARTS_MAX = 3;
const RETRY_AFTER_MS = { least: 250, most: 30_000 } as const;
/** What a job takes before any has been measured. */
const FIRST_MEAN_MS = 200;
/** Weight of the newest measurement in the mean. */
const MEAN_STEP = 0.1;
interface Task {
  readonly job: ImageJob;
  readonly answer: PromiseWithResolvers<MadeResult | ProbedResult>;
  crashes: number;
}

interface Running {
  readonly task: Task;
  readonly startedMs: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

class Pool implements ImagePool, ChildListener {
  readonly #options: ImagePoolOptions;
  readonly #queue: JobQueue<Task>;
  readonly #refused: RefusedJobs;
  readonly #recycle: { readonly jobsMax: number; readonly rssBytesMax: number };
  /** Every child that is not gone yet. */
  readonly #children = new Set<ImageChild>();
  readonly #running = new Map<ImageChild, Running>();
  /** Tasks whose child crashed: they go first, and were counted by the queue already. */
  readonly #again: Task[] = [];
  #meanMs = FIRST_MEAN_MS;
  #failedStarts = 0;
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: ImagePoolOptions) {
    this.#options = options;
    this.#queue = makeJobQueue({ itemsMax: options.queueMax, clock: options.clock });
    this.#refused = makeRefusedJobs(options.clock);
    this.#recycle = options.recycle ?? {
      jobsMax: LIMITS.imageWorkerJobsMax,
      rssBytesMax: LIMITS.imageWorkerBytesMax,
    };
  }

  async run(
    job: ImageJob,
    { deadlineMs }: { readonly deadlineMs: number },
  ): Promise<MadeResult | ProbedResult> {
    this.#refuse(job);
    const task: Task = { job, answer: Promise.withResolvers(), crashes: 0 };
    const added = this.#queue.add(task, {
      costMs: costMs(job),
      waitMs: Math.max(0, Math.min(deadlineMs, DEADLINES.imageQueueMs)),
      expired: () => task.answer.reject(this.#overloaded("no image worker was free in time")),
    });
    if (!added) throw this.#overloaded("too many image jobs wait");
    this.#dispatch();
    return task.answer.promise;
  }

  warmUp(): void {
    if (this.#children.size === 0) this.#spawn();
  }

  stats() {
    const queued = this.#queue.size + this.#again.length;
    return { workers: this.#options.workers, busy: this.#running.size, queued };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#startTimer);
    const fault = new Fault("draining", "the node is shutting down");
    for (const task of [...this.#queue.drain(), ...this.#again.splice(0)])
      task.answer.reject(fault);
    const children = [...this.#children];
    for (const child of children) {
      this.#take(child)?.task.answer.reject(fault);
      child.kill("the pool was closed");
    }
    await Promise.all(children.map((child) => child.exited));
  }

  ready(): void {
    this.#failedStarts = 0;
    this.#dispatch();
  }

  answered(child: ImageChild, outcome: JobOutcome, rssBytes: number): void {
    const running = this.#take(child);
    if (running === undefined) {
      child.kill("it answered without having a job");
      return;
    }
    const tookMs = this.#options.clock.monotonicMs() - running.startedMs;
    this.#meanMs += (tookMs - this.#meanMs) * MEAN_STEP;
    this.#settle(running.task, outcome);
    const spent = child.jobs >= this.#recycle.jobsMax || rssBytes > this.#recycle.rssBytesMax;
    if (spent) child.kill("replaced after its share of work");
    this.#dispatch();
  }

  gone(child: ImageChild, end: ChildEnd): void {
    this.#children.delete(child);
    const running = this.#take(child);
    if (this.#closed) return;
    if (end.kind === "not-started") this.#startFailed(end.reason);
    if (running !== undefined) this.#crashed(running.task, end.reason);
    this.#dispatch();
  }

  /** Gives waiting jobs to idle children, and starts a child for each job beyond those, up to the limit. */
  #dispatch(): void {
    const idle = [...this.#children].filter((child) => child.isReady && !this.#running.has(child));
    for (const child of idle) {
      const task = this.#again.shift() ?? this.#queue.take();
      if (task === undefined) return;
      this.#start(child, task);
    }
    const starting = this.#children.size - this.#running.size - idle.length;
    const waiting = this.#queue.size + this.#again.length;
    const room = this.#options.workers - this.#children.size;
    for (let i = 0; i < Math.min(room, waiting - starting); i++) this.#spawn();
  }

  #start(child: ImageChild, task: Task): void {
    const { clock, jobMs } = this.#options;
    const timer = setTimeout(() => this.#tooSlow(child), jobMs);
    this.#running.set(child, { task, startedMs: clock.monotonicMs(), timer });
    child.give(task.job);
  }

  #take(child: ImageChild): Running | undefined {
    const running = this.#running.get(child);
    clearTimeout(running?.timer);
    this.#running.delete(child);
    return running;
  }

  #spawn(): void {
    if (this.#closed || this.#startTimer !== undefined) return;
    const { command, env = {} } = this.#options;
    try {
      this.#children.add(new ImageChild({ command, env, listener: this }));
    } catch (error) {
      this.#startFailed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Waits before the next start, longer each time; jobs that have nobody left to wait for are told. */
  #startFailed(reason: string): void {
    const { log } = this.#options;
    const { imageStartFirstMs, imageStartLongestMs } = DEADLINES;
    const waitMs = Math.min(imageStartFirstMs * 2 ** this.#failedStarts, imageStartLongestMs);
    this.#failedStarts++;
    log.error("image worker did not start", { reason, nextTryMs: waitMs });
    clearTimeout(this.#startTimer);
    this.#startTimer = setTimeout(() => {
      this.#startTimer = undefined;
      this.#dispatch();
    }, waitMs);
    if (!this.#isHopeless()) return;
    for (const task of [...this.#again.splice(0), ...this.#queue.drain()]) {
      this.#fail(
        task,
        new Fault("image_failed", "image workers do not start", { retryAfterMs: waitMs }),
      );
    }
  }

  #isHopeless(): boolean {
    return this.#failedStarts >= FAILED_STARTS_MAX && this.#children.size === 0;
  }

  #refuse(job: ImageJob): void {
    if (this.#closed) throw new Fault("draining", "the node is shutting down");
    const waitMs = this.#refused.waitMs(job);
    if (waitMs > 0) {
      throw new Fault(
        "image_failed",
        "this picture has just failed; it is left alone for a while",
        {
          retryAfterMs: waitMs,
        },
      );
    }
    if (this.#isHopeless() && this.#startTimer !== undefined) {
      throw new Fault("image_failed", "image workers do not start", {
        retryAfterMs: DEADLINES.imageStartLongestMs,
      });
    }
  }

  #settle(task: Task, outcome: JobOutcome): void {
    if (outcome.kind !== "fault") {
      task.answer.resolve(outcome);
      return;
    }
    const { code, message, detail } = outcome;
    this.#options.log.info("image job refused", { source: task.job.source, code, detail });
    this.#fail(task, new Fault(code, message));
  }

  #crashed(task: Task, reason: string): void {
    const { counters, log } = this.#options;
    counters.add("image_worker_restart");
    log.warn("image worker died", { source: task.job.source, reason });
    task.crashes++;
    if (task.crashes < CRASHES_MAX) {
      this.#again.push(task);
      return;
    }
    this.#refused.refuseSource(task.job);
    this.#fail(task, new Fault("image_failed", "the decoder crashed on this picture"));
  }

  #tooSlow(child: ImageChild): void {
    const task = this.#take(child)?.task;
    child.kill("its job took too long");
    if (task === undefined) return;
    const { counters, log, jobMs } = this.#options;
    counters.add("image_worker_restart");
    log.warn("image job took too long", { source: task.job.source, jobMs });
    this.#refused.refuseJob(task.job);
    this.#fail(task, new Fault("image_failed", `the picture took more than ${jobMs} ms`));
    // what it wrote before the signal reached it
    void child.exited.then(() => removeTarget(task.job));
  }

  #fail(task: Task, fault: Fault): void {
    this.#options.counters.add("image_failed");
    removeTarget(task.job);
    task.answer.reject(fault);
  }

  #overloaded(message: string): Fault {
    const { workers } = this.#options;
    const { busy, queued } = this.stats();
    const { least, most } = RETRY_AFTER_MS;
    const waitMs = ((busy + queued) / workers) * this.#meanMs;
    return new Fault("overloaded", message, {
      retryAfterMs: Math.round(Math.min(most, Math.max(least, waitMs))),
    });
  }
}
