/** `mir bench --closed` and wrk against the mesh of `mir demo`, all of it where the scheduler lets it run, alternated. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { EXECUTABLE } from "../../tests/support/mesh.ts";
import { median } from "../support/cpu.ts";
import { type Figures, rampFor, runMir, warm } from "../support/generators.ts";
import { findWrk, runWrk, writePaths } from "../support/wrk.ts";

const CONNECTIONS = 32;
const ROUNDS = Number(process.env["MIR_BENCH_ROUNDS"] ?? 5);
const SECONDS = 3;
const SIZES = ["xs", "sm", "md"];
/** Wanted: requests a second within a tenth of each other. */
const RATE_WITHIN = 0.1;

const INTRO = v.object({
  edges: v.tupleWithRest([v.object({ url: v.string() })], v.unknown()),
  photos: v.array(v.object({ webId: v.string() })),
});

const wrk = findWrk();
if (wrk === undefined) {
  console.log("skipped: wrk is not installed (Debian: apt-get install wrk)");
  process.exit(0);
}
const dir = mkdtempSync(join(tmpdir(), "mir-bench-"));
try {
  await run(wrk);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(program: string): Promise<void> {
  await using demo = Bun.spawn([EXECUTABLE, "demo", "--no-traffic", "--json"], {
    ...{ stdout: "pipe", stderr: "ignore" },
    env: { ...process.env, MIR_DEMO_DIR: join(dir, "demo") },
  });
  const { edges, photos } = v.parse(INTRO, JSON.parse(await firstLine(demo.stdout)));
  const { url } = edges[0];
  const paths = photos.flatMap(({ webId }) =>
    SIZES.map((size) => `/puddle/${webId}/${size}/a.jpg`),
  );
  const script = writePaths(dir, "paths", paths);
  const ids = join(dir, "ids");
  writeFileSync(ids, paths.join("\n"));
  await warm(url, paths);
  // the mesh compiles what it answers with under a load: not at the cost of whoever comes first
  await runWrk(program, {
    url,
    script,
    connections: CONNECTIONS,
    seconds: SECONDS,
    core: undefined,
  });
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const load = { url, connections: CONNECTIONS, seconds: SECONDS, core: undefined };
    const theirs = await runWrk(program, { ...load, script });
    const ours = await runMir({ ...load, ids, rampSeconds: rampFor(theirs.perSecond) });
    ratios.push(ours.perSecond / theirs.perSecond);
    console.log(`wrk ${text(theirs)}, mir bench ${text(ours)}, x ${ratios.at(-1)?.toFixed(2)}`);
  }
  const wanted = `${1 - RATE_WITHIN} to ${1 + RATE_WITHIN}`;
  console.log(
    `${paths.length} pictures at one edge: x ${median(ratios).toFixed(2)} (wanted ${wanted})`,
  );
  demo.kill("SIGTERM");
  await demo.exited;
}

function text({ perSecond, cpu }: Figures): string {
  return `${perSecond.toFixed(0)}/s ${cpu.toFixed(1)} µs`;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let told = "";
  for await (const part of stream) {
    told += Buffer.from(part).toString("utf8");
    const end = told.indexOf("\n");
    if (end >= 0) return told.slice(0, end);
  }
  throw new Error("the demo ended before its mesh ran");
}
