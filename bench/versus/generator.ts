/** What load generators cost and find out: `mir bench --closed` against wrk, on one running node, alternated. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMesh } from "../../tests/support/mesh.ts";
import { median } from "../support/cpu.ts";
import { type Figures, rampFor, runMir, warm } from "../support/generators.ts";
import { noiseJpeg } from "../support/noise.ts";
import { findWrk, runWrk, writePaths } from "../support/wrk.ts";

const SERVER_CORE = 0;
const CLIENT_CORE = 1;
const CONNECTIONS = 32;
const ROUNDS = Number(process.env["MIR_BENCH_ROUNDS"] ?? 5);
const SECONDS = 2;
/** Wanted: requests a second within a tenth of each other, processor time at most so much more. */
const RATE_WITHIN = 0.1;
const CPU_RATIO = 1.3;

const KB = 1024;
const CASES = [
  { name: "one picture, 12 KB", bytes: 12 * KB, files: 1 },
  { name: "40 pictures, 12 KB", bytes: 12 * KB, files: 40 },
  { name: "one picture, 100 KB", bytes: 100 * KB, files: 1 },
] as const;
type Case = (typeof CASES)[number];

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
  for (const one of CASES) {
    for (const file of filesOf(one)) writeFileSync(join(dir, file), noiseJpeg(one.bytes));
  }
  await using mesh = await startMesh({
    edges: ["edge"],
    origin: { origin_dir: dir },
    runBy: ["taskset", "-c", String(SERVER_CORE)],
  });
  const { url } = mesh.node("edge");
  console.log(`${CONNECTIONS} connections, medians of ${ROUNDS} rounds of ${SECONDS} s\n`);
  console.log("case                   wrk/s  µs     mir/s  µs     requests (wanted)  CPU (wanted)");
  // an argument names one case, or several by what they have in common
  const wanted = CASES.filter(({ name }) => name.includes(process.argv[2] ?? ""));
  for (const one of wanted) await compare(one, { url, program });
}

async function compare(
  one: Case,
  { url, program }: { readonly url: string; readonly program: string },
): Promise<void> {
  const paths = filesOf(one).map((file) => `/puddle/${file.slice(0, -4)}/orig/a.jpg`);
  const script = paths.length === 1 ? undefined : writePaths(dir, `paths-${one.files}`, paths);
  const ids = join(dir, `ids-${one.files}-${one.bytes}`);
  writeFileSync(ids, paths.join("\n"));
  await warm(url, paths);
  const theirs: Figures[] = [];
  const ours: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const load = { connections: CONNECTIONS, seconds: SECONDS, core: CLIENT_CORE };
    const figures = await runWrk(program, { ...load, url: url + (paths[0] ?? ""), script });
    theirs.push(figures);
    ours.push(await runMir({ ...load, url, ids, rampSeconds: rampFor(figures.perSecond) }));
  }
  const of = (all: readonly Figures[], key: keyof Figures): number =>
    median(all.map((f) => f[key]));
  const ratio = (key: keyof Figures): number =>
    median(ours.map((figures, i) => figures[key] / (theirs[i]?.[key] ?? Number.NaN)));
  const text = (all: readonly Figures[]): string =>
    `${of(all, "perSecond").toFixed(0).padStart(6)}  ${of(all, "cpu").toFixed(1).padEnd(5)}`;
  const wanted = `(${1 - RATE_WITHIN} to ${1 + RATE_WITHIN})`;
  console.log(
    `${one.name.padEnd(21)} ${text(theirs)}  ${text(ours)}  × ${ratio("perSecond").toFixed(2)} ${wanted}   × ${ratio("cpu").toFixed(2)} (≤ ${CPU_RATIO})`,
  );
}

function filesOf({ bytes, files }: Case): string[] {
  return Array.from({ length: files }, (_, i) => `bench-${bytes}-${i}.jpg`);
}
