/**
 * What a hit costs the server, against nginx and Varnish on the same files: one worker each on one core, alternated. With
 * arguments only the cases whose names hold one of them.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../../tests/support/mesh.ts";
import { cpuOf, median, microsecondsEach } from "../support/cpu.ts";
import { findNginx } from "../support/nginx.ts";
import { noiseJpeg } from "../support/noise.ts";
import { findVarnish, nginxCache, nginxStatic, type Server, varnish } from "../support/rivals.ts";
import { findWrk, runWrk, writePaths } from "../support/wrk.ts";

const SERVER_CORE = 0;
const CLIENT_CORE = 1;
const ROUNDS = Number(process.env["MIR_BENCH_ROUNDS"] ?? 5);
const SECONDS = 1;
/** Answers of ours before a case is measured: until then the compiler's threads take as much as the handler. */
const WARM_ANSWERS = 40_000;
const WARM_SECONDS_MAX = 8;
const WORKING_SET = 10_000;
/** Of a mesh that holds everything asked for here in memory, and of one that holds nothing. */
const RAM = { all: "512MiB", none: "0" } as const;

interface Case {
  readonly name: string;
  readonly ram: keyof typeof RAM;
  readonly bytes: number;
  readonly files: number;
  /** Wanted ratios of CPU, by rival (design §6). */
  readonly wanted: Readonly<Record<string, number>>;
}

const KB = 1024;
const ALL_CASES: readonly Case[] = [
  {
    ...{ name: "RAM tier, 12 KB", ram: "all", bytes: 12 * KB, files: 40 },
    wanted: { "nginx static": 1, "nginx proxy_cache": 0.8, Varnish: 0.45 },
  },
  {
    ...{ name: "RAM tier, 100 KB", ram: "all", bytes: 100 * KB, files: 40 },
    wanted: { "nginx static": 1.2 },
  },
  {
    ...{ name: "page cache, 12 KB", ram: "none", bytes: 12 * KB, files: 40 },
    wanted: { "nginx static": 1.6 },
  },
  {
    ...{ name: "page cache, 100 KB", ram: "none", bytes: 100 * KB, files: 40 },
    wanted: { "nginx static": 1.2 },
  },
  {
    ...{ name: "page cache, 2 MB", ram: "none", bytes: 2048 * KB, files: 10 },
    wanted: { "nginx static": 1.4 },
  },
  {
    ...{ name: "10,000 files, 12 KB", ram: "all", bytes: 12 * KB, files: WORKING_SET },
    wanted: { "nginx static": 1 },
  },
  {
    ...{ name: "10,000 files, no RAM", ram: "none", bytes: 12 * KB, files: WORKING_SET },
    wanted: { "nginx static": 1.6 },
  },
];

const only = process.argv.slice(2);
const CASES = ALL_CASES.filter(
  ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
);
const nginx = findNginx();
const wrk = findWrk();
if (nginx === undefined || wrk === undefined) {
  console.log("skipped: nginx or wrk is not installed (Debian: apt-get install nginx-light wrk)");
  process.exit(0);
}
const dir = mkdtempSync(join(tmpdir(), "mir-bench-"));
try {
  await run({ nginx, wrk });
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(programs: { readonly nginx: string; readonly wrk: string }): Promise<void> {
  for (const bytes of new Set(CASES.map((c) => c.bytes))) {
    for (const file of filesOf({ bytes, files: filesMax(bytes) })) {
      writeFileSync(join(dir, file), noiseJpeg(bytes));
    }
  }
  await using stack = new AsyncDisposableStack();
  const at = { dir, core: SERVER_CORE };
  const plain = stack.use(await nginxStatic(programs.nginx, at));
  const rivals = [plain, stack.use(await nginxCache(programs.nginx, { ...at, behind: plain }))];
  const varnishd = findVarnish();
  if (varnishd === undefined) console.log("without Varnish: it is not installed\n");
  else rivals.push(stack.use(await varnish(varnishd, { ...at, behind: plain })));
  const nodes = {
    all: stack.use(await node(RAM.all)),
    none: stack.use(await node(RAM.none)),
  };
  console.log(
    `microseconds of CPU an answer (of them user), requests a second: medians of ${ROUNDS}\n`,
  );
  for (const one of CASES) await compare(one, nodes[one.ram], { rivals, wrk: programs.wrk });
}

function node(ram: string): Promise<Mesh> {
  return startMesh({
    edges: ["edge"],
    origin: { origin_dir: dir },
    server: { ram },
    runBy: ["taskset", "-c", String(SERVER_CORE)],
  });
}

interface Figures {
  readonly total: number;
  readonly user: number;
  readonly perSecond: number;
}

async function compare(
  one: Case,
  mesh: Mesh,
  by: { readonly rivals: readonly Server[]; readonly wrk: string },
): Promise<void> {
  const { pid, url } = mesh.node("edge");
  const files = filesOf(one);
  const ours = { name: "mir", pids: [pid], origin: url, pathOf: mirPath };
  const theirs = by.rivals
    .filter(({ name }) => one.wanted[name] !== undefined)
    .map((rival) => ({ ...rival, pathOf: (file: string) => `/${file}` }));
  const all = [ours, ...theirs].map((server, i) => {
    const paths = files.map(server.pathOf);
    return { ...server, paths, script: writePaths(dir, `paths-${i}`, paths) };
  });
  for (const { origin, paths } of all) await warm(origin, paths);
  const load = ({ origin, script }: { readonly origin: string; readonly script: string }) =>
    runWrk(by.wrk, {
      ...{ url: `${origin}/`, script, core: CLIENT_CORE, seconds: SECONDS },
    });
  for (const server of all.filter(({ name }) => name === ours.name)) {
    for (let answers = 0, i = 0; answers < WARM_ANSWERS && i < WARM_SECONDS_MAX; i++) {
      answers += (await load(server)).answers;
    }
  }
  const figures = new Map<string, Figures[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const server of all) {
      const before = cpuOf(server.pids);
      const { answers, perSecond } = await load(server);
      const { total, user } = microsecondsEach(before, cpuOf(server.pids), answers);
      // the first round warms them all
      if (round > 0) figures.get(server.name)?.push({ total, user, perSecond });
    }
  }
  report(one, figures);
}

function report(one: Case, figures: ReadonlyMap<string, readonly Figures[]>): void {
  const ours = figures.get("mir") ?? [];
  console.log(`${one.name.padEnd(22)}${textOf(ours)}`);
  for (const [name, wanted] of Object.entries(one.wanted)) {
    const theirs = figures.get(name);
    if (theirs === undefined) continue;
    const ratio = (key: keyof Figures): string =>
      median(ours.map((o, i) => o[key] / (theirs[i]?.[key] ?? Number.NaN))).toFixed(2);
    const compared = `CPU × ${ratio("total")} (wanted ≤ ${wanted}), requests × ${ratio("perSecond")}`;
    console.log(`  ${name.padEnd(20)}${textOf(theirs)}   ${compared}`);
  }
  console.log("");
}

function textOf(figures: readonly Figures[]): string {
  const of = (key: keyof Figures): number => median(figures.map((f) => f[key]));
  const cpu = `${of("total").toFixed(1)} (${of("user").toFixed(1)})`;
  return `${cpu.padStart(14)} ${of("perSecond").toFixed(0).padStart(8)}/s`;
}

/** Twice and again: once to have it, then until the RAM tier knows that it is asked for. */
async function warm(origin: string, paths: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    const left = [...paths];
    const client = async (): Promise<void> => {
      for (let path = left.pop(); path !== undefined; path = left.pop()) {
        const answer = await fetch(origin + path);
        await answer.bytes();
        if (!answer.ok) throw new Error(`${origin}${path} answered ${answer.status}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
  }
}

function mirPath(file: string): string {
  return `/puddle/${file.slice(0, -".jpg".length)}/orig/a.jpg`;
}

function filesMax(bytes: number): number {
  return Math.max(...CASES.filter((c) => c.bytes === bytes).map((c) => c.files));
}

function filesOf({ bytes, files }: Pick<Case, "bytes" | "files">): string[] {
  return Array.from({ length: files }, (_, i) => `bench-${bytes}-${i}.jpg`);
}
