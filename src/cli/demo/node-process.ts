/** One node of the demo: this same program as `mir serve`, in a process of its own. */

import type { Subprocess } from "bun";
import { DEMO_LIMITS, DEMO_WAITS } from "./bounds.ts";

export interface NodeProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the node has said `ready`; rejects when it ended before, or took too long. */
  readonly ready: Promise<void>;
  /** Resolves to words for how it ended. */
  readonly ended: Promise<string>;
  /** The end of what it wrote to standard error. */
  log(): string;
  /** SIGTERM, and SIGKILL when that does not end it in time. */
  stop(): Promise<void>;
  /** SIGKILL, at once. */
  kill(): void;
}

export interface NodeCommand {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly readyMs?: number;
  readonly stopMs?: number;
}

type Child = Subprocess<"pipe", "pipe", "pipe">;

/**
 * Standard input is a pipe that closes when this process ends in any way, SIGKILL included: nodes
 * started with `--exit-with-parent` end then. A session of its own keeps a terminal's Ctrl-C from
 * reaching it, so that this process decides the order in which things stop.
 */
export function startNodeProcess(options: NodeCommand): NodeProcess {
  const { name, command, readyMs = DEMO_WAITS.readyMs, stopMs = DEMO_WAITS.stopMs } = options;
  const child: Child = Bun.spawn([...command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const log = keepTail(child.stderr);
  const ended = child.exited.then(async () => {
    await Promise.race([log.read, Bun.sleep(DEMO_WAITS.logMs)]);
    return howItEnded(child);
  });
  return {
    name,
    pid: child.pid,
    ready: becomesReady({ child, name, readyMs, ended }),
    ended,
    log: log.text,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), stopMs);
      await child.exited;
      clearTimeout(late);
    },
    kill: () => child.kill("SIGKILL"),
  };
}

function howItEnded(child: Child): string {
  if (child.signalCode !== null) return `was ended by ${child.signalCode}`;
  return `ended with code ${child.exitCode ?? "unknown"}`;
}

async function becomesReady(start: {
  readonly child: Child;
  readonly name: string;
  readonly readyMs: number;
  readonly ended: Promise<string>;
}): Promise<void> {
  const { child, name, readyMs, ended } = start;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, readyMs);
  try {
    if (await saysReady(child.stdout)) return;
    const how = await ended;
    throw new Error(`${name} ${late ? `was not ready within ${readyMs / 1000} s` : how}`);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads on to the end of the stream in the background, or the node would wait for room in the
 * pipe.
 */
function saysReady(stream: ReadableStream<Uint8Array>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let rest = "";
  const read = readText(stream, (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()?.slice(0, DEMO_LIMITS.logTailBytes) ?? "";
    if (lines.includes("ready")) resolve(true);
  });
  void read.then(() => resolve(false));
  return promise;
}

interface Tail {
  text(): string;
  /** Resolves when the stream has ended. */
  readonly read: Promise<void>;
}

function keepTail(stream: ReadableStream<Uint8Array>): Tail {
  let tail = "";
  const read = readText(stream, (text) => {
    tail = (tail + text).slice(-DEMO_LIMITS.logTailBytes);
  });
  return { text: () => tail, read };
}

/** Never rejects: a pipe that breaks is one that has ended. */
async function readText(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  } catch {
    // the node has gone; its exit tells how
  }
}
