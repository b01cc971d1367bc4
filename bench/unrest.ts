/**
 * A mesh under a steady load while each node in turn is killed, restarted and stopped for ten seconds: what failed,
 * and how long the slowest of a hundred waited before, and from five seconds after each event.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { type SteadyLoad, startSteadyLoad } from "../tests/support/steady-load.ts";

const RATE = Number(process.env["MIR_RATE"] ?? 200);
const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const PICTURES = 60;
const STOPPED_MS = 10_000;
/** A balancer in front has noticed by then that a node does not answer its health check. */
const NOTICED_MS = 1_000;
const SETTLE_MS = 5_000;
const WATCHED_MS = 8_000;
/** A span's p99 may be this many times the one before. */
const BOUND = 2;
/** Slow requests told of a span that is above. */
const SHOWN = 20;

const dir = mkdtempSync(join(tmpdir(), "mir-unrest-"));
const originals = new Map<string, bigint>();
try {
  await run();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<void> {
  for (let i = 0; i < PICTURES; i++) {
    const bytes = await drawJpeg({ width: 900, height: 600 + i });
    await Bun.write(join(dir, `picture-${i}.jpg`), bytes);
    originals.set(`/puddle/picture-${i}/orig/a.jpg`, BigInt(Bun.hash(bytes)));
  }
  await using mesh = await startMesh({
    edges: EDGES,
    regionals: REGIONALS,
    origin: { origin_dir: dir },
    // hits and misses: there is not room for everything
    server: { capacity: "8MiB" },
  });
  const paths = [...originals.keys()].flatMap((path) => [
    path,
    ...["md", "sm", "xs"].map((size) => path.replace("/orig/", `/${size}/`)),
  ]);
  const load = startSteadyLoad(mesh, { edges: EDGES, paths, rate: RATE });
  await Bun.sleep(15_000);
  const calm = await slowest(load, WATCHED_MS);
  console.log(`${RATE} requests/s; before: p99 ${calm.toFixed(0)} ms`);
  for (const name of [...REGIONALS, ...EDGES]) {
    await harm(mesh, load, { name, what: "killed", calm });
    await harm(mesh, load, { name, what: "stopped", calm });
  }
  await load.stop();
  report(load);
}

async function harm(
  mesh: Mesh,
  load: SteadyLoad,
  event: { readonly name: string; readonly what: "killed" | "stopped"; readonly calm: number },
): Promise<void> {
  const { name, what, calm } = event;
  const { pid } = mesh.node(name);
  if (what === "killed") await mesh.kill(name);
  else process.kill(pid, "SIGSTOP");
  await Bun.sleep(NOTICED_MS);
  const served = load.serving.delete(name);
  await Bun.sleep(SETTLE_MS - NOTICED_MS);
  const during = await slowest(load, STOPPED_MS - SETTLE_MS, calm);
  if (what === "killed") await mesh.start(name);
  else process.kill(pid, "SIGCONT");
  if (served) load.serving.add(name);
  await Bun.sleep(SETTLE_MS);
  const after = await slowest(load, WATCHED_MS, calm);
  const cells = [during, after].map((ms) => `${ms.toFixed(0)} ms (${(ms / calm).toFixed(1)}x)`);
  console.log(`${name.padEnd(11)} ${what.padEnd(8)} gone: p99 ${cells[0]}, back: p99 ${cells[1]}`);
}

/** p99 in milliseconds of what is asked within the next `forMs`; what lies far above `calm` is told one by one. */
async function slowest(load: SteadyLoad, forMs: number, calm = Infinity): Promise<number> {
  const asked = [...(await load.askedWithin(forMs))].sort((a, b) => a.ms - b.ms);
  const p99 = asked[Math.floor(asked.length * 0.99)]?.ms ?? Number.NaN;
  if (p99 <= calm * BOUND) return p99;
  for (const a of asked.filter((one) => one.ms > calm * BOUND).slice(-SHOWN)) {
    console.log(`  ${a.ms.toFixed(0)} ms ${a.edge} ${a.path} tries ${a.tries} ${a.told}`);
  }
  return p99;
}

function report(load: SteadyLoad): void {
  const { asked } = load;
  const wrong = asked.filter((a) => a.outcome === "whole" && isWrong(a.path, a.hash));
  const count = (outcome: string): number => asked.filter((a) => a.outcome === outcome).length;
  console.log(
    `${asked.length} requests: ${count("whole")} whole, ${count("refused")} refused, ` +
      `${count("broken")} broken, ${asked.filter((a) => a.tries > 1).length} repeated, ${wrong.length} wrong`,
  );
  for (const a of asked.filter((one) => one.outcome !== "whole").slice(0, 10)) {
    console.log(`  ${a.outcome} ${a.status} ${a.edge} ${a.path} ${a.ms.toFixed(0)} ms ${a.told}`);
  }
}

function isWrong(path: string, hash: bigint): boolean {
  const known = originals.get(path);
  return known !== undefined && known !== hash;
}
