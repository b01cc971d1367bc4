/** wrk as the client: one thread on a core of its own, keep-alive connections; absent is a message, not a failure. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const CONNECTIONS = 32;

/** Path of the program; undefined where it is not installed. */
export function findWrk(): string | undefined {
  return Bun.which("wrk") ?? undefined;
}

export interface Load {
  readonly answers: number;
  readonly perSecond: number;
  /** Microseconds of its processor time for one answer, its start included, which is next to nothing. */
  readonly cpu: number;
}

/** undefined: where the scheduler lets it run. */
export function pinnedTo(core: number | undefined): readonly string[] {
  return core === undefined ? [] : ["taskset", "-c", String(core)];
}

/** A script that asks for one path after the other, in an order that hides nothing from a cache. */
export function writePaths(dir: string, name: string, paths: readonly string[]): string {
  const file = join(dir, `${name}.lua`);
  const list = paths.map((path) => JSON.stringify(path)).join(",\n");
  writeFileSync(
    file,
    `local paths = {${list}}
math.randomseed(1)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
`,
  );
  return file;
}

/** Whole seconds. Throws when any answer was not a success. */
export async function runWrk(
  program: string,
  options: {
    readonly url: string;
    readonly core: number | undefined;
    readonly seconds: number;
    readonly script?: string | undefined;
    readonly connections?: number;
  },
): Promise<Load> {
  const { url, core, seconds, script, connections = CONNECTIONS } = options;
  const child = Bun.spawn(
    [
      ...[...pinnedTo(core), program, "-t1", `-c${connections}`, `-d${seconds}s`],
      ...(script === undefined ? [] : ["-s", script]),
      url,
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  const text = await new Response(child.stdout).text();
  await child.exited;
  const cpuMicroseconds = Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN);
  const answers = Number(/(\d+) requests in/.exec(text)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  if (!(answers > 0) || /Non-2xx|Socket errors/.test(text)) {
    throw new Error(`wrk on ${url}: ${text}${await new Response(child.stderr).text()}`);
  }
  return { answers, perSecond, cpu: cpuMicroseconds / answers };
}
