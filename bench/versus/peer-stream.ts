/**
 * What a picture streamed from a peer costs both nodes, in one run: against nginx proxy_pass to nginx static, and
 * against a picture that the asker has itself.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeOf } from "../../tests/support/cache-status.ts";
import { freePort } from "../../tests/support/free-port.ts";
import { startMesh } from "../../tests/support/mesh.ts";
import { cpuOf, median, microsecondsEach } from "../support/cpu.ts";
import { findNginx, startNginx } from "../support/nginx.ts";
import { noiseJpeg } from "../support/noise.ts";

/** Design §6: asker's and owner's CPU together, over nginx and nginx. */
const SIZES = [
  { name: "12 KB", bytes: 12_288, answers: 6000, wanted: 1.3 },
  { name: "100 KB", bytes: 102_400, answers: 3000, wanted: 1.3 },
  { name: "2 MB", bytes: 2_097_152, answers: 400, wanted: 0.8 },
] as const;
const FILES = 40;
const ROUNDS = 5;
/** Before those that count: what is run often is compiled beside it, and that is CPU of the process too. */
const WARM_ROUNDS = 4;
const CLIENTS = 16;

interface Rival {
  readonly name: string;
  readonly pids: readonly number[];
  readonly url: (file: string) => string;
}

const program = findNginx();
if (program === undefined) {
  console.log("skipped: nginx is not installed (Debian: apt-get install nginx-light)");
  process.exit(0);
}
const dir = mkdtempSync(join(tmpdir(), "mir-bench-"));
try {
  await run(program);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(nginx: string): Promise<void> {
  for (const size of SIZES) {
    for (let i = 0; i < FILES; i++)
      writeFileSync(join(dir, nameOf(size.bytes, i)), noiseJpeg(size.bytes));
  }
  const [back, front] = [freePort(), freePort()];
  await using owner = await startNginx(nginx, {
    dir,
    name: "owner",
    http: `open_file_cache max=1000; server { listen 127.0.0.1:${back}; root ${dir}; }`,
  });
  await using asker = await startNginx(nginx, {
    dir,
    name: "asker",
    http: `upstream owner { server 127.0.0.1:${back}; keepalive 64; }
      server { listen 127.0.0.1:${front}; location / { proxy_pass http://owner;
        proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
  });
  await using mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    origin: { origin_dir: dir },
    // with copies, what is asked for this often would be streamed no more
    tables: { hot: { replicate: false } },
  });
  const edges = ["edge-1", "edge-2"] as const;
  const mir: Rival = {
    name: "mir",
    pids: edges.map((edge) => mesh.node(edge).pid),
    url: (file) => `${mesh.node("edge-1").url}/puddle/${file.slice(0, -4)}/orig/a.jpg`,
  };
  const rival: Rival = {
    name: "nginx",
    pids: [...owner.pids, ...asker.pids],
    url: (file) => `http://127.0.0.1:${front}/${file}`,
  };
  const hit: Rival = { ...mir, name: "hit", pids: [mesh.node("edge-1").pid] };
  console.log("microseconds of CPU an answer, asker and owner together; median of rounds\n");
  console.log(
    "size       mir   (user)  nginx  (user)   ratio  wanted    hit  (user)   mir/hit  (user)",
  );
  for (const size of SIZES) {
    const { peers, own } = await namesOf(mir, size.bytes);
    const costs: Costs = { mir: [], nginx: [], hit: [] };
    for (const one of [mir, rival, hit]) {
      await cost(one, one === hit ? own : peers, size.answers * WARM_ROUNDS);
    }
    for (let round = 0; round < ROUNDS; round++) {
      costs.mir.push(await cost(mir, peers, size.answers));
      costs.nginx.push(await cost(rival, peers, size.answers));
      costs.hit.push(await cost(hit, own, size.answers));
    }
    report(size, costs);
  }
}

type Cost = ReturnType<typeof microsecondsEach>;

interface Costs {
  readonly mir: Cost[];
  readonly nginx: Cost[];
  readonly hit: Cost[];
}

function report(size: (typeof SIZES)[number], costs: Costs): void {
  const of = (list: readonly Cost[], key: keyof Cost) => median(list.map((c) => c[key]));
  const both = (list: readonly Cost[]): string => {
    const user = `(${of(list, "user").toFixed(0)})`;
    return `${of(list, "total").toFixed(0).padStart(6)} ${user.padStart(7)}`;
  };
  const over = (list: readonly Cost[], key: keyof Cost): string =>
    median(costs.mir.map((c, i) => c[key] / (list[i]?.[key] ?? Number.NaN))).toFixed(2);
  const cells = [
    ...[size.name.padEnd(7), both(costs.mir), both(costs.nginx)],
    over(costs.nginx, "total").padStart(7),
    `≤ ${size.wanted}`.padStart(7),
    both(costs.hit),
    over(costs.hit, "total").padStart(8),
    `(${over(costs.hit, "user")})`.padStart(8),
  ];
  console.log(cells.join(" "));
}

/** Names that edge-1 streams from its peer, and those it has itself; asking for them warms both nodes. */
async function namesOf(
  mir: Rival,
  bytes: number,
): Promise<{ readonly peers: readonly string[]; readonly own: readonly string[] }> {
  const peers: string[] = [];
  const own: string[] = [];
  for (let i = 0; i < FILES; i++) {
    const name = nameOf(bytes, i);
    const answer = await fetch(mir.url(name));
    await answer.bytes();
    (outcomeOf(answer) === "peer" ? peers : own).push(name);
  }
  return { peers, own };
}

/** A bounded number of answers over keep-alive connections, one after the other on each. */
async function cost(rival: Rival, names: readonly string[], answers: number): Promise<Cost> {
  const before = cpuOf(rival.pids);
  let left = answers;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await fetch(rival.url(names[left % names.length] ?? ""));
      await answer.bytes();
      if (!answer.ok) throw new Error(`${rival.name} answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return microsecondsEach(before, cpuOf(rival.pids), answers);
}

function nameOf(bytes: number, i: number): string {
  return `bench-${bytes}-${i}.jpg`;
}
