/** An image worker: a child process that does one image job at a time until its parent goes away. */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { readdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { LIBC } from "../base/libc.ts";
import { type FromChild, parseToChild, type ToChild } from "./child-messages.ts";
import type { ImageJob, JobOutcome } from "./job.ts";

/** The class of what runs when nothing else wants to (sched.h). */
const SCHED_IDLE = 5;
/** prctl(2): the signal this process gets when its parent dies. */
const PR_SET_PDEATHSIG = 1;
/** Where the kernel looks for somebody to end when memory runs out: here, before the node itself. */
const OOM_SCORE = "/proc/self/oom_score_adj";
const OOM_SCORE_OF_IMAGE_WORKERS = "500";

type RunJobs = (jobs: readonly ImageJob[]) => AsyncIterable<JobOutcome>;

/**
 * Never resolves; the process ends with its parent. The decoders are loaded here and nowhere else:
 * no other thread or process of a node has them in its memory.
 */
export async function runImageWorker(): Promise<never> {
  process.on("disconnect", () => process.exit(0));
  dieWithParent();
  yieldToServing();
  const runJobs = await loadDecoders();
  if (runJobs !== undefined) {
    process.on("message", (message) => void work(runJobs, message));
    tell({ kind: "ready" });
  }
  return new Promise<never>(() => {});
}

/** undefined when they cannot be loaded: the parent has been told why, and ends this process. */
async function loadDecoders(): Promise<RunJobs | undefined> {
  try {
    const [{ runJobs }, { restrictSharp }] = await Promise.all([
      import("./make-several.ts"),
      import("./picture.ts"),
    ]);
    restrictSharp();
    return runJobs;
  } catch (error) {
    tell({ kind: "unable", message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

async function work(runJobs: RunJobs, message: unknown): Promise<void> {
  const asked: ToChild | undefined = parseToChild(message);
  if (asked === undefined) throw new Error("the parent sent something that is no image job");
  let { number } = asked;
  for await (const outcome of runJobs(asked.jobs)) {
    tell({ kind: "ended", number, outcome, rssBytes: process.memoryUsage.rss() });
    number++;
  }
}

function tell(message: FromChild): void {
  process.send?.(message);
}

/** A busy decoder does not notice a closed channel, so the kernel has to see to it (spikes E). */
function dieWithParent(): void {
  try {
    const libc = dlopen(LIBC, {
      prctl: {
        args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
        returns: FFIType.i32,
      },
    });
    libc.symbols.prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL, 0, 0, 0);
    libc.close();
  } catch {
    // no such libc or no FFI: an orphan then ends when its job does
  }
  // the parent may have died before the kernel was told
  if (!process.connected) process.exit(0);
}

/** Serving comes first: lowest priority for the processor, first choice when memory runs out. */
function yieldToServing(): void {
  try {
    // on Linux the priority belongs to a thread; later threads inherit it from the one that starts them
    const threads = readdirSync("/proc/self/task").map(Number);
    for (const thread of threads) setPriority(thread, constants.priority.PRIORITY_LOW);
    writeFileSync(OOM_SCORE, OOM_SCORE_OF_IMAGE_WORKERS);
    giveWayAtOnce(threads);
  } catch {
    // a kernel without /proc, or a container that forbids it: the work itself goes on
  }
}

/**
 * A thread of lowest priority keeps its processor until the next tick; one of the idle class gives it up to whatever
 * of another class wakes (sched(7), SCHED_IDLE). Hits wait for less (bench/saturation.ts).
 */
function giveWayAtOnce(threads: readonly number[]): void {
  const libc = dlopen(LIBC, {
    sched_setscheduler: { args: [FFIType.i32, FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  });
  const noPriority = ptr(new Int32Array(1));
  for (const thread of threads) libc.symbols.sched_setscheduler(thread, SCHED_IDLE, noPriority);
  libc.close();
}
