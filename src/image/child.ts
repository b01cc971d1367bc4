/** One image worker process as its parent sees it: started, given one job at a time, killed. */

import { DEADLINES } from "../base/deadlines.ts";
import { unreachable } from "../base/fault.ts";
import { parseFromChild, type ToChild } from "./child-messages.ts";
import type { ImageJob, JobOutcome } from "./job.ts";

/** The environment a decoder gets: nothing that is secret, nothing it does not need. */
const ENVIRONMENT = [
  "PATH",
  "HOME",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "MIR_RUNTIME_DIR",
  "MIR_LIBVIPS_DIR",
  "LD_LIBRARY_PATH",
  "LANG",
  "TZ",
] as const;

export type ChildEnd =
  /** It died before it was ready; `reason` is for the log. */
  | { readonly kind: "not-started"; readonly reason: string }
  | { readonly kind: "ended"; readonly reason: string };

export interface ChildListener {
  ready(child: ImageChild): void;
  /** The next of the jobs given last has ended; `rssBytes` is what the child occupies now. */
  answered(child: ImageChild, outcome: JobOutcome, rssBytes: number): void;
  /** Called once, when the process is gone. */
  gone(child: ImageChild, end: ChildEnd): void;
}

export class ImageChild {
  readonly #listener: ChildListener;
  readonly #process: Bun.Subprocess<"ignore", "ignore", "inherit">;
  readonly #startTimer: ReturnType<typeof setTimeout>;
  #started = false;
  #killed = false;
  #reason = "";
  #jobs = 0;
  #answered = 0;

  /** Throws when the program cannot be run at all. */
  constructor(options: {
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly listener: ChildListener;
  }) {
    this.#listener = options.listener;
    this.#process = Bun.spawn([...options.command], {
      env: { ...inherited(), MALLOC_ARENA_MAX: "2", VIPS_WARNING: "0", ...options.env },
      stdio: ["ignore", "ignore", "inherit"],
      serialization: "json",
      ipc: (message) => this.#take(message),
      onExit: (_, code, signal) => this.#ended(String(signal ?? `exit code ${code}`)),
    });
    this.#startTimer = setTimeout(() => this.kill("it did not start in time"), DEADLINES.startMs);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Jobs it has been given. */
  get jobs(): number {
    return this.#jobs;
  }

  get isReady(): boolean {
    return this.#started && !this.#killed;
  }

  /** Resolves when the process is gone. */
  get exited(): Promise<unknown> {
    return this.#process.exited;
  }

  /** Only for a child that is ready and has no job. It does them in this order, and answers each. */
  give(jobs: readonly ImageJob[]): void {
    const message: ToChild = { number: this.#jobs + 1, jobs };
    this.#jobs += jobs.length;
    try {
      this.#process.send(message);
    } catch {
      this.kill("its channel is closed");
    }
  }

  kill(reason: string): void {
    if (this.#killed) return;
    this.#killed = true;
    this.#reason = reason;
    this.#process.kill("SIGKILL");
  }

  #take(message: unknown): void {
    // what was on its way when the child was killed comes too late
    if (this.#killed) return;
    const said = parseFromChild(message);
    switch (said?.kind) {
      case "ready":
        clearTimeout(this.#startTimer);
        this.#started = true;
        this.#listener.ready(this);
        break;
      case "unable":
        this.kill(said.message);
        break;
      case "ended":
        if (said.number === this.#answered + 1 && said.number <= this.#jobs) {
          this.#answered = said.number;
          this.#listener.answered(this, said.outcome, said.rssBytes);
        } else this.kill("it answered a job it was not given");
        break;
      case undefined:
        this.kill("it said something that no image worker says");
        break;
      default:
        unreachable(said);
    }
  }

  #ended(how: string): void {
    clearTimeout(this.#startTimer);
    this.#killed = true;
    const kind = this.#started ? "ended" : "not-started";
    this.#listener.gone(this, { kind, reason: this.#reason || how });
  }
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    ENVIRONMENT.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
