/** The image workers of a node: one queue, children started on demand, no job able to take the node with it. */

import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { type ChildEnd, type ChildListener, ImageChild } from "./child.ts";
import type { Demand } from "./demand.ts";
import type { ImageJob, JobOutcome, MadeResult, ProbedResult } from "./job.ts";
import { type MemoryWatch, watchMemory } from "./memory-watch.ts";
import type { ImagePoolOptions } from "./pool-options.ts";
import { makeRefusedJobs, type RefusedJobs, sourceOf, toldOf } from "./refused-jobs.ts";
import { removeTarget } from "./remove-target.ts";
import { makeStarts, type Starts } from "./starts.ts";
import { makeWaiting, type Task, type Waiting } from "./waiting.ts";

export interface ImagePool {
  /**
   * Waits for an image worker as its demand says; once it runs, a job has `jobMs`. Throws Faults:
   * the job's own, `overloaded` (no turn in time), `abandoned` (nobody waits for it any more),
   * `image_failed` (crashed twice, or too slow), `draining`. When it throws, the target does not exist.
   */
  run(job: ImageJob, demand: Demand): Promise<MadeResult | ProbedResult>;
  /** Starts one image worker before there is work, so that one that cannot start is in the log early. */
  warmUp(): void;
  stats(): PoolStats;
  /** Refuses what waits, kills the image workers, resolves when they are gone. */
  close(): Promise<void>;
}

export interface PoolStats extends Pick<Starts, "inARow" | "nextTryMs"> {
  readonly workers: number;
  readonly busy: number;
  /** Jobs that somebody waits for. */
  readonly queued: number;
  /** Jobs that are made for later. */
  readonly later: number;
}

/** To be called on the main thread only: a thread's children outlive it as zombies (spikes E). */
export function makeImagePool(options: ImagePoolOptions): ImagePool {
  return new Pool(options);
}

interface Running {
  /** Not yet answered; the first is being worked on. */
  readonly tasks: Task[];
  startedMs: number;
  timer: ReturnType<typeof setTimeout>;
}

class Pool implements ImagePool, ChildListener {
  readonly #options: ImagePoolOptions;
  readonly #waiting: Waiting;
  readonly #refused: RefusedJobs;
  readonly #recycle: { readonly jobsMax: number; readonly rssBytesMax: number };
  readonly #memory: MemoryWatch;
  readonly #starts: Starts;
  /** Every child that is not gone yet. */
  readonly #children = new Set<ImageChild>();
  readonly #running = new TurnoverMap<ImageChild, Running>();
  #closed = false;

  constructor(options: ImagePoolOptions) {
    const { recycle, clock, log } = options;
    this.#options = options;
    this.#waiting = makeWaiting({ ...options, busy: () => this.#running.size });
    this.#refused = makeRefusedJobs(clock);
    this.#recycle = recycle ?? {
      jobsMax: LIMITS.imageWorkerJobsMax,
      rssBytesMax: LIMITS.imageWorkerBytesMax,
    };
    this.#memory = watchMemory({
      busy: () => [...this.#running].map(([child]) => child),
      bytesMax: recycle?.rssBytesCeiling ?? LIMITS.imageWorkerBytesCeiling,
      over: (child) => child.kill("it took more memory than it may"),
    });
    this.#starts = makeStarts({ log, clock }, () => this.#dispatch());
  }

  async run(job: ImageJob, demand: Demand): Promise<MadeResult | ProbedResult> {
    this.#refuse(job);
    const { answer } = this.#waiting.add(job, demand);
    this.#dispatch();
    return answer.promise;
  }

  warmUp(): void {
    if (this.#children.size === 0) this.#spawn();
  }

  stats() {
    const [{ workers }, { inARow, nextTryMs }] = [this.#options, this.#starts];
    return { workers, busy: this.#running.size, ...this.#waiting.sizes, inARow, nextTryMs };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#starts.stop();
    this.#memory.stop();
    const fault = new Fault("draining", "the node is shutting down");
    for (const task of this.#waiting.takeOut()) task.answer.reject(fault);
    const children = [...this.#children];
    for (const child of children) {
      for (const task of this.#take(child)?.tasks ?? []) task.answer.reject(fault);
      child.kill("the pool was closed");
    }
    await Promise.all(children.map((child) => child.exited));
  }

  ready(): void {
    this.#starts.succeeded();
    this.#dispatch();
  }

  answered(child: ImageChild, outcome: JobOutcome, rssBytes: number): void {
    const running = this.#running.get(child);
    const task = running?.tasks.shift();
    if (running === undefined || task === undefined) {
      child.kill("it answered without having a job");
      return;
    }
    const now = this.#options.clock.monotonicMs();
    this.#waiting.took(task.job, now - running.startedMs);
    this.#refused.survived(task.job);
    this.#starts.useful();
    this.#settle(task, outcome, running.startedMs);
    if (running.tasks.length > 0) {
      clearTimeout(running.timer);
      running.startedMs = now;
      running.timer = this.#timer(child);
      return;
    }
    this.#take(child);
    const spent = child.jobs >= this.#recycle.jobsMax || rssBytes > this.#recycle.rssBytesMax;
    if (spent) child.kill("replaced after its share of work");
    this.#dispatch();
  }

  gone(child: ImageChild, end: ChildEnd): void {
    this.#children.delete(child);
    const running = this.#take(child);
    if (this.#closed) return;
    if (end.kind === "not-started") this.#startFailed(end.reason);
    if (running !== undefined) this.#crashed(running.tasks, end.reason);
    this.#dispatch();
  }

  #dispatch(): void {
    this.#handOut();
    this.#options.board?.post(this.#waiting.waits);
  }

  /** Gives waiting jobs to idle children, and starts a child for each job beyond those, up to the limit. */
  #handOut(): void {
    const idle = [...this.#children].filter((child) => child.isReady && !this.#running.has(child));
    for (const child of idle) {
      const tasks = this.#waiting.next();
      if (tasks.length === 0) return;
      this.#start(child, tasks);
    }
    const starting = this.#children.size - this.#running.size - idle.length;
    const { queued, later } = this.#waiting.sizes;
    const room = this.#options.workers - this.#children.size;
    for (let i = 0; i < Math.min(room, queued + later - starting); i++) this.#spawn();
  }

  #start(child: ImageChild, tasks: readonly Task[]): void {
    const startedMs = this.#options.clock.monotonicMs();
    this.#running.set(child, { tasks: [...tasks], startedMs, timer: this.#timer(child) });
    this.#memory.wake();
    child.give(tasks.map((task) => task.job));
  }

  #timer(child: ImageChild): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#tooSlow(child), this.#options.jobMs);
  }

  #take(child: ImageChild): Running | undefined {
    const running = this.#running.get(child);
    clearTimeout(running?.timer);
    this.#running.delete(child);
    return running;
  }

  #spawn(): void {
    if (this.#closed || this.#starts.resting) return;
    const { command, env = {} } = this.#options;
    try {
      this.#children.add(new ImageChild({ command, env, listener: this }));
    } catch (error) {
      this.#startFailed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Jobs that have nobody left to wait for are told. */
  #startFailed(reason: string): void {
    const retryAfterMs = this.#starts.failed(reason);
    if (!this.#isHopeless()) return;
    for (const task of this.#waiting.takeOut()) {
      this.#fail(task, new Fault("image_failed", "image workers do not start", { retryAfterMs }));
    }
  }

  #isHopeless(): boolean {
    return this.#starts.hopeless && this.#children.size === 0;
  }

  #refuse(job: ImageJob): void {
    if (this.#closed) throw new Fault("draining", "the node is shutting down");
    const waitMs = this.#refused.waitMs(job);
    if (waitMs > 0) {
      this.#options.counters.add("image_refused");
      throw refusal(waitMs);
    }
    if (this.#isHopeless() && this.#starts.resting) {
      throw new Fault("image_failed", "image workers do not start", {
        retryAfterMs: DEADLINES.imageStartLongestMs,
      });
    }
  }

  #settle(task: Task, outcome: JobOutcome, startedMs: number): void {
    if (outcome.kind === "made") {
      task.answer.resolve({ ...outcome, queuedMs: Math.max(0, startedMs - task.addedMs) });
      return;
    }
    if (outcome.kind === "probed") {
      task.answer.resolve(outcome);
      return;
    }
    const { code, message, detail } = outcome;
    this.#options.log.info("image job refused", { ...toldOf(task.job), code, detail });
    this.#fail(task, new Fault(code, message));
  }

  /** The first of them was being worked on: the others had not begun. */
  #crashed([task, ...others]: readonly Task[], reason: string): void {
    if (task === undefined) return;
    const { counters, log } = this.#options;
    counters.add("image_worker_restart");
    this.#starts.died();
    log.warn("image worker died", { ...toldOf(task.job), reason });
    if (!this.#refused.crashed(task.job)) {
      this.#waiting.again([task, ...others]);
      return;
    }
    counters.add("image_poisoned");
    const source = sourceOf(task.job);
    log.error("a picture keeps killing image workers; refused for a while", toldOf(task.job));
    const retryAfterMs = this.#refused.waitMs(task.job);
    this.#fail(
      task,
      new Fault("image_failed", "the decoder crashed on this picture", { retryAfterMs }),
    );
    for (const other of [...others, ...this.#waiting.takeOut(source)]) {
      counters.add("image_refused");
      this.#fail(other, refusal(this.#refused.waitMs(other.job)));
    }
  }

  #tooSlow(child: ImageChild): void {
    const [task, ...others] = this.#take(child)?.tasks ?? [];
    child.kill("its job took too long");
    if (task === undefined) return;
    this.#waiting.again(others);
    const { counters, log, jobMs } = this.#options;
    counters.add("image_worker_restart");
    log.warn("image job took too long", { ...toldOf(task.job), jobMs });
    this.#refused.refuseJob(task.job);
    const retryAfterMs = this.#refused.waitMs(task.job);
    const message = `the picture took more than ${jobMs} ms`;
    this.#fail(task, new Fault("image_failed", message, { retryAfterMs }));
    // what it wrote before the signal reached it
    void child.exited.then(() => removeTarget(task.job));
  }

  #fail(task: Task, fault: Fault): void {
    this.#options.counters.add("image_failed");
    removeTarget(task.job);
    task.answer.reject(fault);
  }
}

function refusal(retryAfterMs: number): Fault {
  return new Fault("image_failed", "this picture has just failed; it is left alone for a while", {
    retryAfterMs,
  });
}
