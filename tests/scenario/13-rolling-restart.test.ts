/** Every node is restarted in turn under a steady load: clients do not notice. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Balancer, startBalancer } from "../support/balancer.ts";
import { type KeptAnswer, keepConnection } from "../support/kept-connection.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { type SteadyLoad, startSteadyLoad } from "../support/steady-load.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const PICTURES = 30;

const photos = makeTempDir();
const originals = new Map<string, bigint>();
let mesh: Mesh;
let load: SteadyLoad;
let balancer: Balancer;

beforeAll(async () => {
  for (let i = 0; i < PICTURES; i++) {
    const bytes = await drawJpeg({ width: 640, height: 480 + i });
    photos.write(`picture-${i}.jpg`, bytes);
    originals.set(`/puddle/picture-${i}/orig/a.jpg`, BigInt(Bun.hash(bytes)));
  }
  // large enough to be under way when its node is stopped
  const padded = new Uint8Array(6 * 2 ** 20);
  padded.set(await drawJpeg({ width: 640, height: 479 }));
  photos.write("picture-large.jpg", padded);
  originals.set("/puddle/picture-large/orig/a.jpg", BigInt(Bun.hash(padded)));
  mesh = await startMesh({
    edges: EDGES,
    regionals: REGIONALS,
    origin: { origin_dir: photos.path },
    // little room, so that there is always something to fetch from another node
    server: { capacity: "10MiB", workers: 2 },
    drainGrace: "500ms",
  });
  const paths = [...originals.keys()].flatMap((path) => [path, path.replace("/orig/", "/sm/")]);
  load = startSteadyLoad(mesh, { edges: EDGES, paths, rate: 100 });
  balancer = startBalancer(mesh, { edges: EDGES, serving: load.serving });
  await load.more(80);
}, 60_000);

afterAll(async () => {
  balancer?.[Symbol.dispose]();
  await load?.stop();
  await mesh?.[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

describe("a node that is stopped", () => {
  test("says at once that it is not ready, closes what it answers, and ends with 0", async () => {
    const node = mesh.node("edge-1");
    using kept = await keepConnection({ port: node.port });
    const path = "/puddle/picture-1/sm/a.jpg";
    expect((await kept.get(path)).lastOne).toBe(false);
    const exited = mesh.kill("edge-1", "SIGTERM");
    await until(async () => (await balancer.readiness("edge-1")) === 503);
    // it still accepts, and answers for the last time on each connection
    const answers: KeptAnswer[] = [await kept.get(path)];
    // the word reaches the worker threads a moment after main has said so
    while (answers.at(-1)?.lastOne === false) answers[0] = await kept.get(path);
    using another = await keepConnection({ port: node.port });
    answers.push(await another.get(path));
    expect(answers.map(({ status, lastOne }) => [status, lastOne])).toEqual([
      [200, true],
      [200, true],
    ]);
    await until(() => !kept.open && !another.open);
    expect(await exited).toBe(0);
    await mesh.start("edge-1");
  }, 60_000);
});

describe("restarted in turn", () => {
  for (const name of [...EDGES, ...REGIONALS]) {
    test(`${name} ends cleanly and comes back with what it had`, async () => {
      expect(await mesh.kill(name, "SIGTERM")).toBe(0);
      expect(mesh.node(name).log()).toContain("stopped");
      await mesh.start(name);
      expect((await mesh.status(name)).cache.variants).toBeGreaterThan(0);
      await load.more(100);
    }, 60_000);
  }

  test("no request failed", async () => {
    await load.stop();
    expect(load.asked.length).toBeGreaterThan(300);
    expect(load.asked.filter(({ outcome }) => outcome !== "whole")).toEqual([]);
  }, 60_000);

  test("and none had a wrong byte", () => {
    const hashes = new Map<string, bigint>(originals);
    const wrong = load.asked.filter(({ path, hash }) => {
      const known = hashes.get(path);
      hashes.set(path, known ?? hash);
      return known !== undefined && known !== hash;
    });
    expect(wrong).toEqual([]);
  });

  test("no client saw more than a connection end under it: none was told to come back later", async () => {
    const refused = await Promise.all(EDGES.map((name) => mesh.counter(name, "shed")));
    expect(refused).toEqual(EDGES.map(() => 0));
  });
});
