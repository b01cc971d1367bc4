/** `mir demo`: a whole mesh on loopback in seconds, with photos and visitors. */

import { setTimeout as wait } from "node:timers/promises";
import { defineCommand } from "citty";
import { systemClock } from "../base/clock.ts";
import { ask } from "./demo/ask.ts";
import { DEMO_LIMITS } from "./demo/bounds.ts";
import { complainOf, type Fleet, startFleet } from "./demo/fleet.ts";
import { introJson, introLines, type Running } from "./demo/intro.ts";
import { LEGEND, showLive } from "./demo/live-line.ts";
import { makePaint } from "./demo/paint.ts";
import { openPorts } from "./demo/ports.ts";
import { prepare } from "./demo/prepare.ts";
import { makeRandom } from "./demo/random.ts";
import { runRound } from "./demo/round.ts";
import { roundJson, roundTable, summarize, summaryLines } from "./demo/round-report.ts";
import { findSamples } from "./demo/samples.ts";
import { serveCommands } from "./demo/serve-commands.ts";
import { type DemoEnv, openStateDir } from "./demo/state-dir.ts";
import { listenForStop } from "./demo/stop-signals.ts";
import { startTraffic } from "./demo/traffic.ts";
import { aside, type Output, terminal } from "./output.ts";
import { UsageError } from "./usage.ts";

const args = {
  photos: {
    type: "string",
    valueHint: "DIR",
    description: "a directory of pictures; without it the demo draws its own",
  },
  traffic: {
    type: "boolean",
    description: "send the mesh a little traffic",
    negativeDescription: "send no traffic",
    default: true,
  },
  once: {
    type: "boolean",
    description: "one round of requests, a table of who answered what in how long, and the end",
  },
  json: { type: "boolean", description: "for machines: JSON on standard output" },
} as const;

export const demoCommand = defineCommand({
  meta: { name: "demo", description: "a whole mesh on loopback in seconds, serving photos" },
  args,
  async run({ args: given }) {
    if (given.photos === "") throw new UsageError("--photos needs a directory");
    const { photos: photosDir, traffic, once = false, json = false } = given;
    const { MIR_DEMO_DIR, XDG_CACHE_HOME } = process.env;
    const env = { MIR_DEMO_DIR, XDG_CACHE_HOME };
    process.exitCode = await runDemo({ photosDir, traffic, once, json, env }, terminal);
  },
});

export interface DemoOptions {
  /** undefined: the demo draws its own pictures. */
  readonly photosDir: string | undefined;
  readonly traffic: boolean;
  readonly once: boolean;
  readonly json: boolean;
  readonly env: DemoEnv;
}

/**
 * The exit code: 0 when it ran until it was told to stop, or `--once` showed all it should. Throws
 * Faults.
 */
export async function runDemo(options: DemoOptions, output: Output): Promise<number> {
  using stop = listenForStop(systemClock);
  using state = openStateDir(options.env);
  using ports = openPorts(Math.random);
  const { signal } = stop;
  const people = options.json ? aside(output) : output;
  const running = await prepare({
    photosDir: options.photosDir,
    stateDir: state.path,
    env: options.env,
    ports,
    usualPorts: !options.once,
    output: people,
    signal,
  }).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (running === undefined) return endCode(options);
  await using fleet = await startFleet({
    commands: serveCommands(running),
    signal,
    output: people,
  });
  if (fleet === undefined) return signal.aborted ? endCode(options) : 1;
  const ended = new AbortController();
  void fleet.lost.then(() => ended.abort());
  const over = AbortSignal.any([signal, ended.signal]);
  const code = options.once
    ? await once(running, { json: options.json, output, signal: over })
    : await goOn(running, { ...options, output, signal: over });
  if (!ended.signal.aborted) return signal.aborted ? endCode(options) : code;
  return tellLoss(fleet, people);
}

/** A person who stops a running demo is content; one who breaks off a round has not seen it. */
function endCode({ once: isRound }: DemoOptions): number {
  return isRound ? 1 : 0;
}

async function tellLoss(fleet: Fleet, output: Output): Promise<number> {
  const { node, how } = await fleet.lost;
  complainOf(node, `${node.name} ${how}; the others are stopped`, output);
  return 1;
}

interface Show {
  readonly json: boolean;
  readonly output: Output;
  readonly signal: AbortSignal;
}

async function once({ photos, map }: Running, { json, output, signal }: Show): Promise<number> {
  const rows = await runRound({ photos, map, ask, signal });
  const summary = summarize(rows);
  if (json) output.say(roundJson(rows, summary));
  else {
    const paint = makePaint(output.colour);
    output.say(roundTable(rows, paint));
    output.say("");
    for (const line of summaryLines(summary, paint)) output.say(line);
  }
  return summary.missing.length === 0 ? 0 : 1;
}

async function goOn(running: Running, show: Show & { readonly traffic: boolean }): Promise<number> {
  const { json, output, signal } = show;
  const { photos, map } = running;
  if (json) output.say(introJson(running));
  else {
    const paint = makePaint(output.colour);
    const samples = running.drawn ? photos : await findSamples({ photos, map, ask, signal });
    for (const line of introLines(running, samples, paint)) output.say(line);
    output.say(`\n${paint.quiet("Ctrl-C stops everything.")}\n`);
  }
  if (show.traffic && !json) {
    const paint = makePaint(output.colour);
    for (const line of LEGEND) output.say(paint.quiet(line));
    output.say("");
  }
  if (!show.traffic) {
    await untilAborted(signal);
    return 0;
  }
  const random = makeRandom(Date.now());
  const traffic = startTraffic({ photos, map, ask, random, nextTurn, signal });
  using _live = showLive(traffic.tally, show);
  await untilAborted(signal);
  await traffic.ended;
  return 0;
}

function nextTurn(signal: AbortSignal): Promise<void> {
  return wait(1000 / DEMO_LIMITS.requestsPerSecond, undefined, { signal }).catch(() => undefined);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise;
}
