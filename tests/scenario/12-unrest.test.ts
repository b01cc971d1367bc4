/** Nodes are killed and stopped under a steady load: clients get every picture whole and right. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { type SteadyLoad, startSteadyLoad } from "../support/steady-load.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const PICTURES = 40;
const BYTES = 3 * 2 ** 20;

/** `MIR_UNREST=long` harms every node in turn in both ways, for about two minutes. */
const LONG = process.env["MIR_UNREST"] === "long";
const KILLED = LONG ? [...REGIONALS, ...EDGES] : ["regional-1", "edge-1"];
const STOPPED = LONG ? [...REGIONALS, ...EDGES] : ["edge-2"];
/** Requests that end while a node is gone; 40 are sent in a second. */
const GONE_ASKS = 60;
const STOPPED_ASKS = LONG ? 400 : 160;

let photos: string;
let mesh: Mesh;
let load: SteadyLoad;
const originals = new Map<string, bigint>();

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  for (let i = 0; i < PICTURES; i++) {
    const bytes = await drawJpeg({ width: 700, height: 500 + i });
    await Bun.write(join(photos, `picture-${i}.jpg`), bytes);
    originals.set(`/puddle/picture-${i}/orig/a.jpg`, BigInt(Bun.hash(bytes)));
  }
  // bytes after the end of the picture make it large without making it slow to draw
  const padded = new Uint8Array(BYTES);
  padded.set(await drawJpeg({ width: 700, height: 499 }));
  await Bun.write(join(photos, "picture-large.jpg"), padded);
  originals.set("/puddle/picture-large/orig/a.jpg", BigInt(Bun.hash(padded)));
  mesh = await startMesh({
    edges: EDGES,
    regionals: REGIONALS,
    origin: { origin_dir: photos },
    // little room, so that there is always something that has to be fetched
    server: { capacity: "4MiB" },
  });
  const paths = [...originals.keys()].flatMap((path) => [path, path.replace("/orig/", "/sm/")]);
  load = startSteadyLoad(mesh, { edges: EDGES, paths });
  await load.more(80);
}, 60_000);

afterAll(async () => {
  await load?.stop();
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

async function seenAs(name: string, state: string): Promise<void> {
  const others = [...EDGES, ...REGIONALS].filter((other) => other !== name);
  for (const other of others) {
    await until(async () => {
      const peer = (await mesh.status(other)).peers.find((p) => p.name === name);
      return peer === undefined || peer.state === state;
    }, `${other} sees ${name} ${state}`);
  }
}

describe("under a steady load", () => {
  for (const name of KILLED) {
    test(`${name} is killed and comes back`, async () => {
      const killed = mesh.kill(name);
      load.serving.delete(name);
      await killed;
      await load.more(GONE_ASKS);
      await mesh.start(name);
      await seenAs(name, "up");
      if (EDGES.includes(name)) load.serving.add(name);
      await load.more(GONE_ASKS);
    }, 60_000);
  }

  for (const name of STOPPED) {
    test(`${name} stands still and goes on`, async () => {
      process.kill(mesh.node(name).pid, "SIGSTOP");
      load.serving.delete(name);
      await load.more(STOPPED_ASKS);
      process.kill(mesh.node(name).pid, "SIGCONT");
      await seenAs(name, "up");
      if (EDGES.includes(name)) load.serving.add(name);
      await load.more(GONE_ASKS);
    }, 60_000);
  }

  test("every request had a whole answer, after one repeat at most", async () => {
    await load.stop();
    expect(load.asked.length).toBeGreaterThan(300);
    expect(load.asked.filter(({ outcome }) => outcome !== "whole")).toEqual([]);
    expect(Math.max(...load.asked.map(({ ms }) => ms))).toBeLessThan(30_000);
  }, 60_000);

  test("no byte was wrong: originals as they are in the store, each size always the same", () => {
    const hashes = new Map<string, bigint>(originals);
    const wrong = load.asked.filter(({ path, hash }) => {
      const known = hashes.get(path);
      hashes.set(path, known ?? hash);
      return known !== undefined && known !== hash;
    });
    expect(wrong).toEqual([]);
  });

  test("the nodes have counted who stood in for whom", async () => {
    const counts = await Promise.all(EDGES.map((name) => mesh.counter(name, "peer_failover")));
    expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(0);
  });
});
