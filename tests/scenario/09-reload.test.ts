/** SIGHUP: a changed topology is compared, checked and followed while every connection goes on. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "smol-toml";
import { freePort } from "../support/free-port.ts";
import { type KeptConnection, keepConnection } from "../support/kept-connection.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
const NODES = [...EDGES, "regional-1"];
const PICTURES = Array.from({ length: 12 }, (_, i) => `harbour-${i}`);
const CONNECTIONS = 4;

interface Server {
  name: string;
  weight?: number;
  cache_dir?: string;
  public?: unknown[];
  private?: { host: string; port: number | string }[];
}

interface File {
  levels: { servers: Server[] }[];
  image?: Record<string, unknown>;
  [table: string]: unknown;
}

const photos = makeTempDir();
let mesh: Mesh;

beforeAll(async () => {
  for (const name of PICTURES) {
    await writePicture(photos.path, `${name}.jpg`, { width: 800, height: 600 });
  }
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
    server: { workers: 2 },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

/** Changes the file that all nodes were started with. */
function rewrite(change: (file: File) => void): void {
  const file: File = JSON.parse(JSON.stringify(parse(readFileSync(mesh.topologyFile, "utf8"))));
  change(file);
  writeFileSync(mesh.topologyFile, stringify(file));
}

const epochs = (): Promise<string[]> =>
  Promise.all(NODES.map(async (name) => (await mesh.status(name)).epoch));

/** What a node writes is read a moment later. */
function logged(name: string, text: string): Promise<void> {
  return until(() => mesh.node(name).log().includes(text), `${name} logs ${text}`);
}

function hangUp(names: readonly string[]): void {
  for (const name of names) mesh.node(name).process.kill("SIGHUP");
}

/** Kept connections that ask for pictures until they are told to stop. */
async function startLoad() {
  const connections: KeptConnection[] = [];
  for (const edge of EDGES) {
    for (let i = 0; i < CONNECTIONS; i++) {
      connections.push(await keepConnection({ port: mesh.node(edge).port }));
    }
  }
  let going = true;
  let answered = 0;
  const failed: string[] = [];
  const ask = async (connection: KeptConnection, first: number): Promise<void> => {
    for (let i = first; going; i++) {
      try {
        const { status } = await connection.get(
          `/puddle/${PICTURES[i % PICTURES.length]}/sm/a.jpg`,
        );
        answered++;
        if (status !== 200) failed.push(`status ${status}`);
      } catch (error) {
        failed.push(String(error));
        return;
      }
      // a third of a machine's time at most
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const loops = connections.map(ask);
  return {
    answered: () => answered,
    async stop() {
      going = false;
      await Promise.all(loops);
      const open = connections.filter((c) => c.open).length;
      for (const connection of connections) connection[Symbol.dispose]();
      return { failed, open, connections: connections.length };
    },
  };
}

/** As many further answers as make sure that every connection has had some. */
async function moreAnswers(load: { answered(): number }): Promise<void> {
  const enough = load.answered() + 20 * EDGES.length * CONNECTIONS;
  await until(() => load.answered() >= enough);
}

describe("a reload under load", () => {
  test("adds an edge and changes weights; no request fails, no connection ends", async () => {
    const before = await epochs();
    expect(new Set(before).size).toBe(1);
    const load = await startLoad();
    await moreAnswers(load);
    rewrite(({ levels: [edge] }) => {
      const [first] = edge?.servers ?? [];
      if (edge === undefined || first === undefined) throw new Error("no edge");
      const private_ = [{ host: "127.0.0.1", port: freePort() }];
      edge.servers.push({
        ...first,
        name: "edge-4",
        cache_dir: `${mesh.dir}/edge-4`,
        private: private_,
      });
      first.weight = 2;
    });
    await mesh.start("edge-4");
    hangUp(NODES);
    const wanted = (await mesh.status("edge-4")).epoch;
    await until(async () => (await epochs()).every((epoch) => epoch === wanted));
    expect(wanted).not.toBe(before[0] ?? "");
    await moreAnswers(load);
    const ended = await load.stop();
    expect(ended.failed).toEqual([]);
    expect(ended.open).toBe(ended.connections);
    for (const name of NODES) {
      expect(await mesh.counter(name, "reload")).toBe(1);
      expect(await mesh.counter(name, "worker_restart")).toBe(0);
      await logged(name, "levels.servers[edge-4]: absent to level 0");
    }
    // one connection of before the change after the other, they agree on the epoch again
    const disagreed = (): Promise<number[]> =>
      Promise.all([...NODES, "edge-4"].map((name) => mesh.counter(name, "epoch_mismatch")));
    const sofar = await disagreed();
    for (const edge of EDGES) {
      for (const name of PICTURES) {
        await (await mesh.get(edge, `/puddle/${name}/xs/a.jpg`)).bytes();
      }
    }
    expect(await disagreed()).toEqual(sofar);
    // the new edge owns some of the pictures, and the others ask it for them
    expect(await mesh.counter("edge-4", "peer_request")).toBeGreaterThan(0);
  }, 60_000);

  test("another prefix holds for what is asked from then on", async () => {
    rewrite((file) => {
      file["http"] = { prefix: "pond" };
    });
    hangUp(["edge-1"]);
    await until(async () => (await mesh.counter("edge-1", "reload")) === 2);
    const now = await mesh.get("edge-1", `/pond/${PICTURES[0]}/sm/a.jpg`);
    expect(now.status).toBe(200);
    await now.bytes();
    const former = await mesh.get("edge-1", `/puddle/${PICTURES[0]}/sm/a.jpg`);
    expect(former.status).toBe(404);
    await former.bytes();
  }, 30_000);

  test("every worker of the node follows it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () =>
        mesh.get("edge-1", `/pond/${PICTURES[1]}/sm/a.jpg`, { headers: { connection: "close" } }),
      ),
    );
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]));
    await Promise.all(answers.map((a) => a.bytes()));
  }, 30_000);

  test("a file with mistakes changes nothing and each is in the log", async () => {
    const good = readFileSync(mesh.topologyFile, "utf8");
    const before = await mesh.status("edge-2");
    rewrite(({ levels: [edge] }) => {
      for (const server of edge?.servers ?? []) {
        if (server.name === "edge-3") server.private = [{ host: "127.0.0.1", port: "x" }];
      }
    });
    hangUp(["edge-2"]);
    await until(async () => (await mesh.counter("edge-2", "reload_refused")) === 1);
    await logged("edge-2", "levels[0].servers[2].private[0].port");
    expect((await mesh.status("edge-2")).epoch).toBe(before.epoch);
    writeFileSync(mesh.topologyFile, good);
    await (await mesh.get("edge-2", `/puddle/${PICTURES[2]}/sm/a.jpg`)).bytes();
  }, 30_000);

  test("what needs a restart is named, and nothing of the file is followed", async () => {
    const before = await mesh.status("edge-3");
    rewrite((file) => {
      for (const server of file.levels[0]?.servers ?? []) {
        server.weight = 5;
        if (server.name === "edge-3") server.cache_dir = `${mesh.dir}/elsewhere`;
      }
    });
    hangUp(["edge-3"]);
    await until(async () => (await mesh.counter("edge-3", "reload_refused")) === 1);
    await logged("edge-3", "levels.servers[edge-3].cache_dir");
    expect((await mesh.status("edge-3")).epoch).toBe(before.epoch);
  }, 30_000);
});
