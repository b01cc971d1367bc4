/** Where a demo lives: its directory, its ports, its topology. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { ORIGIN_DIR, writeDemoTopology } from "../../../../src/cli/demo/demo-topology.ts";
import { mapMesh } from "../../../../src/cli/demo/mesh-map.ts";
import { openPorts } from "../../../../src/cli/demo/ports.ts";
import { makeRandom } from "../../../../src/cli/demo/random.ts";
import { drawingsDir, openStateDir } from "../../../../src/cli/demo/state-dir.ts";
import { runDemo } from "../../../../src/cli/demo.ts";
import { readTopology } from "../../../../src/topology/read.ts";
import type { Topology } from "../../../../src/topology/topology.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";
import { collectOutput } from "./collected-output.ts";

const CHECKED_IN = join(import.meta.dir, "../../../../topology/demo.toml");

function topologyOf(text: string, baseDir = "/srv"): Topology {
  const read = readTopology(text, { file: "demo.toml", baseDir });
  if (read.kind === "mistakes") throw new Error(JSON.stringify(read.mistakes));
  expect(read.warnings).toEqual([]);
  return read.topology;
}

describe("the demo's directory", () => {
  test("is a new one that goes with the demo", () => {
    const state = openStateDir({});
    expect(existsSync(state.path)).toBe(true);
    state[Symbol.dispose]();
    expect(existsSync(state.path)).toBe(false);
  });

  test("is MIR_DEMO_DIR where that is set; it stays, and the next demo begins empty", () => {
    using dir = makeTempDir();
    const path = join(dir.path, "mine");
    const first = openStateDir({ MIR_DEMO_DIR: path });
    dir.write("mine/edge-1/cached.jpg", "x");
    first[Symbol.dispose]();
    expect(existsSync(join(path, "edge-1/cached.jpg"))).toBe(true);
    using second = openStateDir({ MIR_DEMO_DIR: path });
    expect(second.path).toBe(path);
    expect(readdirSync(path)).toEqual(["mir-demo.pid"]);
  });

  test("is never one with somebody else's files", () => {
    using dir = makeTempDir();
    const precious = dir.write("precious.txt", "x");
    expect(() => openStateDir({ MIR_DEMO_DIR: dir.path })).toThrow("files that no demo made");
    expect(existsSync(precious)).toBe(true);
  });

  test("is never one that another demo runs in", () => {
    using dir = makeTempDir();
    dir.write("mir-demo.pid", `${process.ppid}\n`);
    const used = dir.write("edge-1/cached.jpg", "x");
    expect(() => openStateDir({ MIR_DEMO_DIR: dir.path })).toThrow("in use by process");
    expect(existsSync(used)).toBe(true);
  });

  test("that may not be used ends the demo before anything starts", async () => {
    using dir = makeTempDir();
    dir.write("precious.txt", "x");
    const env = { MIR_DEMO_DIR: dir.path };
    const options = { photosDir: undefined, traffic: false, once: true, json: false, env };
    const output = collectOutput();
    await expect(runDemo(options, output)).rejects.toThrow("files that no demo made");
    expect(readdirSync(dir.path)).toEqual(["precious.txt"]);
  });

  test("that cannot be made is an error with its name", () => {
    using dir = makeTempDir();
    const file = dir.write("file", "x");
    expect(() => openStateDir({ MIR_DEMO_DIR: join(file, "below") })).toThrow("cannot be used");
  });

  test("drawings stay in the user's cache, by version, or with the demo where it is none", () => {
    using dir = makeTempDir();
    const cache = join(dir.path, "cache");
    expect(drawingsDir({ XDG_CACHE_HOME: cache }, "/state", 7)).toBe(`${cache}/mir/demo-photos/v7`);
    const file = dir.write("file", "x");
    expect(drawingsDir({ XDG_CACHE_HOME: file }, "/state", 7)).toBe("/state/drawings/v7");
  });
});

describe("the demo's ports", () => {
  test("the preferred one when it is free, else another", () => {
    using ports = openPorts(makeRandom(process.pid));
    const free = ports.take();
    ports[Symbol.dispose]();
    using again = openPorts(makeRandom(1));
    expect(again.take(free)).toBe(free);
    using other = openPorts(makeRandom(2));
    expect(other.take(free)).not.toBe(free);
  });

  test("one on which somebody listens is not taken, though it could be shared", () => {
    using ports = openPorts(makeRandom(process.pid + 1));
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      reusePort: true,
      fetch: () => new Response(""),
    });
    expect(ports.take(server.port)).not.toBe(server.port);
  });

  test("the search has an end", () => {
    using ports = openPorts(() => 0.5);
    ports.take();
    let drawn = 0;
    using same = openPorts(() => {
      drawn++;
      return 0.5;
    });
    expect(() => same.take()).toThrow("no free port");
    expect(drawn).toBe(DEMO_LIMITS.portTries);
  });
});

describe("the demo's topology", () => {
  test("is checked in and without mistakes: three edges, two regionals, a directory", () => {
    const { levels } = topologyOf(readFileSync(CHECKED_IN, "utf8"));
    expect(levels.map((level) => level.servers.map((server) => server.name))).toEqual([
      ["edge-1", "edge-2", "edge-3"],
      ["regional-1", "regional-2"],
      [],
    ]);
    expect(levels[2]?.origins).toMatchObject([{ kind: "directory" }]);
    expect(levels[1]?.servers.flatMap((server) => server.publics)).toEqual([]);
  });

  test("takes the directory and the ports of this run", () => {
    const taken: number[] = [];
    const ports = {
      take: () => taken[taken.push(30_000 + taken.length) - 1] ?? 0,
      [Symbol.dispose]() {},
    };
    const stateDir = '/tmp/a "b" \\ c';
    const topology = topologyOf(writeDemoTopology({ stateDir, ports, usualPorts: false }));
    const servers = topology.levels.flatMap((level) => level.servers);
    const used = servers.flatMap((s) => [
      ...s.publics.map((p) => (p.type === "net" ? p.port : 0)),
      ...s.privates.map((p) => p.port),
      ...(s.admin === undefined ? [] : [s.admin.port]),
    ]);
    expect(used).toEqual(taken);
    expect(used).toHaveLength(11);
    expect(servers.map((s) => s.cacheDir)).toEqual(servers.map((s) => join(stateDir, s.name)));
    const dir = join(stateDir, ORIGIN_DIR);
    expect(topology.levels[2]?.origins).toEqual([{ kind: "directory", name: "origin", dir }]);
  });

  test("asks for the usual public ports when the demo stays", () => {
    const wishes: (number | undefined)[] = [];
    let next = 30_000;
    const ports = {
      take(preferred?: number) {
        wishes.push(preferred);
        return next++;
      },
      [Symbol.dispose]() {},
    };
    writeDemoTopology({ stateDir: "/tmp/x", ports, usualPorts: true });
    expect(wishes.filter((wish) => wish !== undefined)).toEqual([
      ...[8080, 8090, 8081, 8091, 8082, 8092],
    ]);
  });

  test("names the edges, the owner of a picture and its URLs", () => {
    const map = mapMesh(topologyOf(readFileSync(CHECKED_IN, "utf8")));
    expect(map.edges.map((edge) => edge.origin)).toEqual([
      "http://127.0.0.1:8080",
      "http://127.0.0.1:8081",
      "http://127.0.0.1:8082",
    ]);
    const photo = { webId: "alps", ext: "jpg", path: "/alps.jpg" };
    const ordered = map.ownerFirst(photo).map((edge) => edge.name);
    expect([...ordered].sort()).toEqual(["edge-1", "edge-2", "edge-3"]);
    const [edge] = map.edges;
    const url = map.url(edge, photo, { size: "md", format: "webp" });
    expect(url).toBe("http://127.0.0.1:8080/puddle/alps/md/alps.webp");
  });
});
