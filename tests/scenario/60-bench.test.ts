/** `mir bench` against a mesh, and with one of its own: the executable, from a terminal or a script. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Canonical } from "../../src/cli/bench/headlines.ts";
import type { Summary } from "../../src/cli/bench/summary.ts";
import { startDelayingProxy } from "../support/delaying-proxy.ts";
import { type Ended, ended } from "../support/ended.ts";
import { freePort } from "../support/free-port.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(120_000);

/** One variant is made within this, on a busy machine too. */
const WARM_MS = 60_000;
const IDS = ["alps", "dunes", "moon", "town"];
let dir: TempDir;
let mesh: Mesh;
let url: string;

beforeAll(async () => {
  dir = makeTempDir();
  const picture = await drawJpeg({ width: 200, height: 150 });
  for (const id of IDS) dir.write(`store/${id}.jpg`, picture);
  dir.write("ids.txt", `${IDS.join("\n")}\n`);
  const port = freePort();
  mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    origin: { origin_dir: join(dir.path, "store") },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
    serverOf: (name) => ({
      public:
        name === "edge-1"
          ? [{ type: "unix", path: join(dir.path, "edge-1.sock") }]
          : [{ type: "net", host: "127.0.0.1", port }],
    }),
  });
  ({ url } = mesh.node("edge-2"));
  // so that nothing is refused because everything is to be made at once
  for (const id of IDS) {
    for (const variant of [
      "xs/a.jpg",
      "sm/a.jpg",
      "md/a.jpg",
      "lg/a.jpg",
      "sm/a.webp",
      "md/a.webp",
    ]) {
      const isThere = async (): Promise<boolean> => {
        const answer = await mesh.get("edge-2", `/puddle/${id}/${variant}`);
        return (await answer.bytes()).length > 0 && answer.status === 200;
      };
      await until(isThere, `${id}/${variant}`, WARM_MS);
    }
  }
}, 120_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  dir?.[Symbol.dispose]();
});

function start(args: readonly string[], env: Record<string, string> = {}) {
  return Bun.spawn([EXECUTABLE, "bench", ...args], {
    cwd: dir.path,
    env: { ...process.env, MIR_UPLOAD_KEY: UPLOAD_KEY, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function bench(args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const child = start(args, env);
  return await ended(child);
}

async function summaryOf(args: readonly string[]): Promise<Summary> {
  const { code, out, err } = await bench([...args, "--json"]);
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Summary;
}

describe("mir bench", () => {
  test("asks the edges of a topology, over TCP and unix sockets, for what its origin has", async () => {
    const summary = await summaryOf(["--topology", mesh.topologyFile, "--count", "400"]);
    expect(summary.load.targets.toSorted()).toEqual([url, `unix:${dir.path}/edge-1.0.sock`]);
    expect(summary).toMatchObject({
      requests: 400,
      statuses: { "200": 400 },
      errors: {},
      unsent: 0,
    });
    expect(summary.load.ids).toBe(IDS.length);
    const { hit = 0, peer = 0 } = summary.sources;
    expect(hit).toBeGreaterThan(0);
    expect(peer).toBeGreaterThan(0);
    expect(summary.hitRatio).toBeCloseTo(hit / 400, 5);
    expect(summary.histogram.reduce((sum, bar) => sum + bar.count, 0)).toBe(400);
  });

  test("asks one listener, with several threads, in a closed loop, for so long", async () => {
    const args = [url, "--ids", "ids.txt", "--closed", "--threads", "2", "--connections", "5"];
    const summary = await summaryOf([...args, "--duration", "500ms", "--ramp", "100ms"]);
    expect(summary.load).toMatchObject({ loop: "closed", threads: 2, connections: 5 });
    expect(summary.seconds).toBe(0.5);
    expect(summary.requests).toBeGreaterThan(0);
    expect(summary.statuses).toEqual({ "200": summary.requests });
    expect(summary.requestsPerSecond).toBe(summary.requests / 0.5);
    expect(summary.cpu.seconds).toBeGreaterThan(0);
  });

  test("asks a unix socket, by ids in a list, in chosen sizes and formats", async () => {
    const args = [`unix:${dir.path}/edge-1.0.sock`, "--ids", "alps,moon", "--count", "50"];
    const summary = await summaryOf([...args, "--sizes", "sm=3,md", "--formats", "webp,auto=2"]);
    expect(summary.statuses).toEqual({ "200": 50 });
    expect(summary.load.variants).toEqual({
      ...{ "sm.webp": 3, "sm.auto": 6 },
      ...{ "md.webp": 1, "md.auto": 2 },
    });
  });

  test("asks for one URL", async () => {
    const { code, out } = await bench([`${url}/puddle/alps/sm/a.jpg`, "--count", "30"]);
    expect(code).toBe(0);
    expect(out).toContain(`${url}: open loop, 1,000 requests/s wanted`);
    for (const word of ["requests ", "hit ratio", "p99.99", "errors     none", "█"]) {
      expect(out).toContain(word);
    }
    expect(out).not.toContain("\x1b");
  });

  test("takes 404 for an id that nobody has as right, for any other as an error", async () => {
    const args = [url, "--count", "200", "--misses", "20%", "--ids"];
    const right = await summaryOf([...args, "alps,moon"]);
    expect(right.missing).toBeGreaterThan(0);
    expect(right).toMatchObject({ errors: {}, statuses: { "404": right.missing } });
    const { code, out } = await bench([...args, "no-such-one,nor-this", "--json"]);
    const wrong = JSON.parse(out) as Summary;
    expect({ code, errors: wrong.errors }).toEqual({
      code: 0,
      errors: { "404": 200 - wrong.missing },
    });
  });

  test("uploads beside it, each another picture", async () => {
    const args = [url, "--ids", "ids.txt", "--rate", "50", "--duration", "1s"];
    const { uploads } = await summaryOf([...args, "--upload", "8"]);
    expect(uploads?.failed).toEqual({});
    expect(uploads?.done).toBeGreaterThan(0);
  });

  test("tells what was measured until it is stopped by Ctrl-C", async () => {
    const child = start([url, "--ids", "ids.txt", "--rate", "200", "--duration", "1m", "--json"]);
    // the line that shows how far it is comes once it sends
    for await (const _line of child.stderr) break;
    child.kill("SIGINT");
    const summary = (await new Response(child.stdout).json()) as Summary;
    expect(await child.exited).toBe(0);
    expect(summary).toMatchObject({ stopped: true, errors: {} });
    expect(summary.seconds).toBeLessThan(60);
    expect(summary.requests).toBeGreaterThan(0);
  });

  test("compares with an earlier run: a slowdown is told and ends with 1", async () => {
    const [server, , port] = [...mesh.node("edge-2").url.split(":")];
    expect(server).toBe("http");
    using proxy = await startDelayingProxy(Number(port));
    const args = [`http://127.0.0.1:${proxy.port}`, "--ids", "ids.txt", "--closed"];
    const load = [...args, "--connections", "2", "--count", "100"];
    dir.write("before.json", JSON.stringify(await summaryOf(load)));
    // so much slower, and so much more is taken for the same
    const same = await bench([...load, "--compare", "before.json", "--tolerance", "100%"]);
    expect(same.out).toContain("ratio");
    proxy.delayMs = 50;
    const worse = await bench([...load, "--compare", "before.json"]);
    expect(worse.code).toBe(1);
    expect(worse.out).toMatch(/p50 .* worse/);
    expect(worse.out).toMatch(/requests\/s .* worse/);
    expect(worse.out.trimEnd()).toEndWith("worse than before");
    const { compared } = JSON.parse(
      (await bench([...load, "--compare", "before.json", "--json"])).out,
    ) as { readonly compared: readonly { readonly worse: boolean }[] };
    expect(compared.map(({ worse: is }) => is)).toEqual([true]);
  });

  test("without a target measures a mesh of its own and ends in two numbers", async () => {
    const args = ["--photos", join(dir.path, "store"), "--duration", "300ms"];
    const { code, out } = await bench([...args, "--json"]);
    expect(code).toBe(0);
    const { closed, open, hitsPerSecond } = JSON.parse(out) as Canonical;
    for (const load of [closed, open]) expect(load).toMatchObject({ errors: {}, hitRatio: 1 });
    expect(hitsPerSecond).toBe(closed.requestsPerSecond);
    expect(open.load.perSecond).toBe(closed.requestsPerSecond / 2);
    dir.write("canonical.json", out);
    const again = await bench([...args, "--compare", "canonical.json"]);
    const last = again.out.trimEnd().split("\n").slice(-2);
    expect(last[0]).toMatch(/^hits {9}[\d,]+ requests\/s$/);
    expect(last[1]).toMatch(/^p99 of hits {2}[\d.]+ m?s at [\d,]+ requests\/s$/);
    expect(again.out.match(/worse than before/g)?.length).toBe(2);
    expect(again.out).not.toContain("differ");
  });

  test("says what is wrong on its command line", async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["--rate", "5"], "--rate needs a target"],
      [["ftp://x"], "expected http://host:port"],
      [["https://x/a"], "TLS is not spoken here"],
      [["unix:run/a.sock", "--ids", "a,b"], "unix:/path/to.sock"],
      [[url], "say what to ask for: --ids FILE or --photos DIR"],
      [[url, "--ids", "gone.txt"], "--ids gone.txt: there is no such file"],
      [[url, "--ids", "a,b", "--threads", "65"], "--threads 65: expected 1 to 64"],
      [[url, "--ids", "a,b", "--rate", "0"], "--rate 0: expected 0.1 to 1000000"],
      [[url, "--ids", "a,b", "--misses", "2"], "a share is at most 100%"],
      [[url, "--ids", "a,b", "--sizes", "md=x"], '"md=x" is not NAME or NAME=WEIGHT'],
      [[url, "--ids", "a,b", "--duration", "1s", "--count", "3"], "--duration or --count"],
      [[url, "--ids", "a,b", "--closed", "--frobnicate"], "unknown flag --frobnicate"],
      [[url, "--ids", "a,b", "--closed", "--rate", "5"], "--closed or --rate, not both"],
      [[url, "--ids", "a,b", "--ids", "c"], "--ids is there twice"],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await bench(args);
      expect({ args, code, told: err.includes(message) ? message : err }).toEqual({
        ...{ args, code: 2, told: message },
      });
    }
    const upload = await bench([url, "--ids", "a,b", "--upload", "1"], { MIR_UPLOAD_KEY: "" });
    expect(upload).toMatchObject({ code: 2 });
    expect(upload.err).toContain("set MIR_UPLOAD_KEY");
  });

  test("says that nobody listens, and what is no summary", async () => {
    const nobody = await bench([`http://127.0.0.1:${freePort()}`, "--ids", "a,b"]);
    expect(nobody.code).toBe(1);
    expect(nobody.err).toContain("cannot be connected to: is the node running?");
    dir.write("other.json", "{}");
    const other = await bench([url, "--ids", "a,b", "--compare", "other.json"]);
    expect(other.code).toBe(1);
    expect(other.err).toContain("other.json is not what the same mir bench --json");
    expect(existsSync(join(dir.path, "gone.json"))).toBe(false);
    const gone = await bench([url, "--ids", "a,b", "--compare", "gone.json"]);
    expect(gone.err).toContain("gone.json cannot be read");
  });
});
