/** `mir bench` as a rival of wrk: asked for the same, what it finds out and what it costs. */

import type { Summary } from "../../src/cli/bench/summary.ts";
import { EXECUTABLE } from "../../tests/support/mesh.ts";
import { pinnedTo } from "./wrk.ts";

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

/** In which its code is compiled, as it is in a run of any length; at most so many seconds. */
const WARM_REQUESTS = 100_000;
const WARM_SECONDS_MAX = 20;

export function rampFor(perSecond: number): number {
  return Math.min(WARM_SECONDS_MAX, Math.ceil(WARM_REQUESTS / perSecond));
}

/** As it says itself: all threads of the process, but not its start, nor the ramp in which it is compiled. */
export async function runMir(
  load: Load & { readonly ids: string; readonly rampSeconds: number },
): Promise<Figures> {
  const { url, ids, rampSeconds, connections, seconds, core } = load;
  const child = Bun.spawn(
    [
      ...[...pinnedTo(core), EXECUTABLE, "bench", url, "--ids", ids, "--closed"],
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
