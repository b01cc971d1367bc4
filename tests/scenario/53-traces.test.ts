/** One request through edge, owner, regional and store: told at every node under one trace, with where its time went. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type FaultyApi, startFaultyApi } from "../support/faulty-api.ts";
import { type FaultyS3, startFaultyS3 } from "../support/faulty-s3.ts";
import { type ImageService, startImageService } from "../support/image-service.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2"];
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-00`;

interface Line {
  readonly event: string;
  readonly trace?: string;
  readonly span?: string;
  readonly parent?: string;
  readonly level: string;
  readonly spans?: string;
  readonly from?: string;
}

let store: FaultyS3;
let api: FaultyApi;
let service: ImageService;
let mesh: Mesh;
let asked: string;
let owner: string;

/** Lines of the log of a node, JSON each. */
function linesOf(name: string): readonly Line[] {
  const whole = mesh.node(name).log().split("\n").slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Line);
}

function traced(name: string, trace: string): readonly Line[] {
  return linesOf(name).filter((line) => line.trace === trace);
}

beforeAll(async () => {
  store = startFaultyS3();
  api = startFaultyApi();
  service = startImageService();
  for (const id of ["content-harbour", "content-mountain", "content-lake", "content-valley"]) {
    store.put(`${id}.jpg`, new Uint8Array(await drawJpeg({ width: 1600, height: 1200 })));
  }
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { is_s3_origin: true },
    env: {
      MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
      MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
    },
    tables: {
      s3: { host: store.endpoint, bucket: "photos", path_style: true },
      services: { content_resolution_api: api.url, thumbnail_endpoint: service.url },
      log: { access: "all", slow_ms: 1, server_timing: "nodes" },
    },
  });
  [owner = ""] = await ranksOf(mesh.topologyFile, 0, "content-harbour");
  asked = EDGES.find((name) => name !== owner) ?? "";
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  store?.[Symbol.dispose]();
  api?.[Symbol.dispose]();
  service?.[Symbol.dispose]();
});

describe("a request with a traceparent", () => {
  let answer: Response;

  test("is told at every node that worked on it, under its trace, each part with its parent", async () => {
    answer = await mesh.get(asked, "/puddle/harbour/md/a.jpg", {
      headers: { traceparent: TRACEPARENT, "x-mir-timing": "1" },
    });
    expect(answer.status).toBe(200);
    await answer.bytes();
    const nodes = [asked, owner, "regional-1"];
    await until(() => nodes.every((name) => traced(name, TRACE).length > 0), "every node told it");
    const [line] = traced(asked, TRACE).filter(({ event }) => event === "request");
    expect(line).toMatchObject({ parent: "00f067aa0ba902b7", from: owner });
    const [atOwner] = traced(owner, TRACE).filter(({ event }) => event === "peer request");
    expect(atOwner).toMatchObject({ parent: line?.span, from: "regional-1" });
    const below = traced("regional-1", TRACE).filter(({ event }) => event === "peer request");
    expect(below.map(({ parent }) => parent)).toContain(atOwner?.span);
  });

  test("has a Server-Timing that names each hop and what it did", () => {
    const timing = answer.headers.get("server-timing") ?? "";
    const metrics = timing.split(", ").map((metric) => metric.replace(/;dur=[0-9.]+/, ""));
    expect(metrics[0]).toBe(`total;desc="${asked}"`);
    for (const metric of [
      `resolve;desc="${asked}"`,
      `peer;desc="${asked}"`,
      `1-total;desc="${owner}"`,
      `1-upstream;desc="${owner}"`,
      '2-total;desc="regional-1"',
      '2-origin;desc="regional-1"',
      '2-original;desc="regional-1"',
      '2-facts;desc="regional-1"',
      '2-generate;desc="regional-1"',
      '2-queue;desc="regional-1"',
    ]) {
      expect(metrics).toContain(metric);
    }
  });

  test("carries it to the store, the resolver and the image service", () => {
    expect(store.traces.length).toBe(store.requests.length);
    expect(new Set(store.traces.map((trace) => trace.slice(3, 35)))).toEqual(new Set([TRACE]));
    expect(api.traces.map((trace) => trace?.slice(3, 35))).toEqual([TRACE]);
    expect(service.traces.map((trace) => trace?.slice(3, 35))).toEqual([TRACE]);
    // asked on behalf of the node that asks, not of whoever asked that one
    const spans = traced("regional-1", TRACE).map(({ span }) => span);
    expect(spans).toContain(store.traces[0]?.slice(36, 52));
  });

  test("that was slow says in the log of every node what it waited for", () => {
    const slow = (name: string): readonly Line[] =>
      traced(name, TRACE).filter(({ level }) => level === "warn");
    const [first] = slow(asked).filter(({ event }) => event === "slow request");
    expect(first?.spans).toContain("2-origin;dur=");
    expect(slow(owner).map(({ event }) => event)).toContain("slow peer request");
    expect(slow("regional-1")[0]?.spans).toContain("origin;dur=");
  });
});

test("a request without one begins a trace, and says nothing of it to a client who does not ask", async () => {
  const answer = await mesh.get(asked, "/puddle/mountain/md/a.jpg");
  await answer.bytes();
  expect([answer.status, answer.headers.get("server-timing")]).toEqual([200, null]);
  const lines = (name: string) => linesOf(name).filter(({ trace }) => trace !== TRACE && trace);
  await until(() => lines("regional-1").length > 0, "the regional told it");
  const trace = lines(asked).at(-1)?.trace ?? "";
  expect(trace).toMatch(/^[0-9a-f]{32}$/);
  expect(traced("regional-1", trace).length).toBeGreaterThan(0);
});

test("what is told follows a reload, and the command line goes before the topology", async () => {
  const text = readFileSync(mesh.topologyFile, "utf8");
  writeFileSync(mesh.topologyFile, text.replace('"nodes"', '"durations"'));
  mesh.node(owner).process.kill("SIGHUP");
  const headers = { "x-mir-timing": "1" };
  await until(async () => {
    const answer = await mesh.get(owner, "/puddle/harbour/md/a.jpg", { headers });
    await answer.bytes();
    return /^total;dur=[0-9.]+$/.test(answer.headers.get("server-timing") ?? "");
  }, "names are left out");
  const wrong = Bun.spawnSync([
    ...[EXECUTABLE, "serve", "--topology", mesh.topologyFile, "--server", owner],
    "--access-log=often",
  ]);
  expect([wrong.exitCode, wrong.stderr.toString()]).toEqual([
    2,
    expect.stringContaining('--access-log is "off", "all", a share such as "1%"'),
  ]);
});

test("a hit says how long it took to who asks", async () => {
  const headers = { "x-mir-timing": "1" };
  // from disk, then from memory
  for (let i = 0; i < 4; i++) {
    const answer = await mesh.get(owner, "/puddle/harbour/md/a.jpg", { headers });
    await answer.bytes();
    // the first looks the name up
    if (i === 0) continue;
    expect(answer.headers.get("cache-status")).toBe(`mir-${owner}; hit`);
    expect(answer.headers.get("server-timing")).toMatch(/^total;dur=[0-9.]+$/);
  }
});

test("a header that is no traceparent is none", async () => {
  const headers = { traceparent: `${TRACEPARENT}-and-more` };
  await (await mesh.get(asked, "/puddle/lake/md/a.jpg", { headers })).bytes();
  const told = () => linesOf(asked).filter((line) => JSON.stringify(line).includes("puddle/lake"));
  await until(() => told().length > 0, "it was told");
  expect(told().every(({ trace }) => trace !== TRACE && trace !== undefined)).toBe(true);
});
