/** The two load generators, each asked for the same: what they find out, and what they cost. */

import type { Summary } from "../../src/cli/bench/summary.ts";
import { EXECUTABLE } from "../../tests/support/mesh.ts";

export interface Figures {
  readonly perSecond: number;
  /** Microseconds of processor time for one answer. */
  readonly cpu: number;
}

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** undefined: it runs where the scheduler lets it. */
  readonly core: number | undefined;
}

/** In which a generator's code is compiled, as it is in a run of any length; at most so many seconds. */
const WARM_REQUESTS = 100_000;
const WARM_SECONDS_MAX = 20;

export function rampFor(perSecond: number): number {
  return Math.min(WARM_SECONDS_MAX, Math.ceil(WARM_REQUESTS / perSecond));
}

function pinned({ core }: Load): readonly string[] {
  return core === undefined ? [] : ["taskset", "-c", String(core)];
}

/** All of its processor time, its start included, which is next to nothing. */
export async function runWrk(
  program: string,
  load: Load & { readonly script: string | undefined },
): Promise<Figures> {
  const { url, script, connections, seconds } = load;
  const child = Bun.spawn(
    [
      ...[...pinned(load), program, "-t1", `-c${connections}`, `-d${seconds}s`],
      ...[...(script === undefined ? [] : ["-s", script]), url],
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const text = await new Response(child.stdout).text();
  await child.exited;
  const answers = Number(/(\d+) requests in/.exec(text)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  const cpuMicroseconds = Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN);
  if (!(answers > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk: ${text}`);
  return { perSecond, cpu: cpuMicroseconds / answers };
}

/** As it says itself: all threads of the process, but not its start, nor the ramp in which it is compiled. */
export async function runMir(
  load: Load & { readonly ids: string; readonly rampSeconds: number },
): Promise<Figures> {
  const { url, ids, rampSeconds, connections, seconds } = load;
  const child = Bun.spawn(
    [
      ...[...pinned(load), EXECUTABLE, "bench", url, "--ids", ids, "--closed"],
      ...["--zipf", "0", "--connections", String(connections), "--duration", `${seconds}s`],
      ...["--ramp", `${rampSeconds}s`, "--json"],
    ],
    { stdout: "pipe", stderr: "ignore" },
  );
  const summary = (await new Response(child.stdout).json()) as Summary;
  if ((await child.exited) !== 0 || summary.errorRatio > 0) throw new Error("mir bench failed");
  return { perSecond: summary.requestsPerSecond, cpu: summary.cpu.microsecondsARequest ?? NaN };
}

/** Each path a few times, so that all of them are hits. */
export async function warm(url: string, paths: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    for (const path of paths) {
      const answer = await fetch(url + path, { signal: AbortSignal.timeout(10_000) });
      await answer.bytes();
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    }
  }
}
