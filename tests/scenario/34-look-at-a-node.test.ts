/** What operators see of a mesh: `mir why`, `mir status`, `mir statusline`, `mir top`. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeshDocument } from "../../src/http/mesh-document.ts";
import type { WhyDocument } from "../../src/node/why.ts";
import { ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { writePicture } from "../support/pictures.ts";
import { openPseudoTerminal } from "../support/pseudo-terminal.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const PATH = "/puddle/harbour/md/a.jpg";

let photos: TempDir;
let mesh: Mesh;
let owner: string;
let second: string;
let third: string;
let below: string;

beforeAll(async () => {
  photos = makeTempDir();
  await writePicture(photos.path, "harbour.jpg", { width: 2400, height: 1800 });
  mesh = await startMesh({
    ...{ edges: EDGES, regionals: REGIONALS, origin: { origin_dir: photos.path } },
    // nothing has moved in this mesh, and soon nobody thinks so
    tables: { routing: { rebalance_window: "1s" } },
  });
  [owner = "", second = "", third = ""] = await ranksOf(mesh.topologyFile, 0, "harbour");
  [below = ""] = await ranksOf(mesh.topologyFile, 1, "harbour");
  for (const server of [...EDGES, ...REGIONALS]) {
    await until(async () => firstStep(await why(server))?.does !== "look-at-peers");
  }
}, 60_000);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

async function mir(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([EXECUTABLE, ...args, "--topology", mesh.topologyFile], {
    env: { ...process.env, COLUMNS: "" },
    stdout: "pipe",
    stderr: "pipe",
  });
  return await ended(child);
}

async function why(server: string, ...args: string[]): Promise<WhyDocument> {
  const { out, code, err } = await mir("why", "harbour", "--json", "--server", server, ...args);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out) as WhyDocument;
}

const firstStep = ({ next }: WhyDocument) => next[0]?.steps[0];

describe("mir why", () => {
  test("says before anybody has asked whom a request would go to, and that nobody has anything", async () => {
    const told = await why(third);
    expect(told.levels.map(({ level }) => level)).toEqual([0, 1]);
    expect(told.levels[0]?.servers.map(({ server }) => server)).toEqual([owner, second, third]);
    for (const holder of told.levels.flatMap(({ servers }) => servers)) {
      expect(holder).toMatchObject({ state: "up", variants: [] });
    }
    expect(firstStep(told)).toMatchObject({ does: "ask-peer", servers: [owner] });
    expect(firstStep(told)?.why).toContain("it has nothing of it yet");
    expect(told.fills).toEqual([]);
  });

  test("names what each server has afterwards, and how it came there, in what time", async () => {
    expect((await (await mesh.get(third, PATH)).bytes()).length).toBeGreaterThan(1000);
    const told = await why(owner);
    const has = new Map(
      told.levels
        .flatMap(({ servers }) => servers)
        .map(({ server, variants = [] }) => [server, variants]),
    );
    const [kept] = has.get(owner) ?? [];
    expect(kept).toMatchObject({ relname: "ha/rb/ou/md/harbour.jpg" });
    const etag = (await mesh.get(owner, PATH)).headers.get("etag");
    expect(etag).toStartWith(`"${kept?.validator}`);
    expect(has.get(below)?.map(({ relname }) => relname)).toEqual([
      "ha/rb/ou/orig/harbour.jpg",
      "ha/rb/ou/md/harbour.jpg",
    ]);
    expect([has.get(second), has.get(third)]).toEqual([[], []]);
    expect(told.fills).toHaveLength(1);
    expect(told.fills[0]).toMatchObject({ source: "upstream", from: below, bytes: kept?.bytes });
    const { totalMs = 0, firstMs = 0 } = told.fills[0] ?? {};
    expect(firstMs).toBeGreaterThan(0);
    expect(totalMs).toBeGreaterThanOrEqual(firstMs);
    expect(firstStep(told)?.does).toBe("hit");
    expect(firstStep(await why(third))?.why).toContain("it has it on disk");
    const [made, read] = (await why(below)).fills;
    expect(made).toMatchObject({ source: "generated", madeOf: "ha/rb/ou/orig/harbour.jpg" });
    expect(made?.workMs).toBeGreaterThan(0);
    expect(read).toMatchObject({ source: "origin", from: "origin", relname: made?.madeOf });
  });

  test("changes nothing by looking: no counter but that of questions, no heat, no fill", async () => {
    const before = await Promise.all([...EDGES, ...REGIONALS].map((name) => mesh.status(name)));
    for (let i = 0; i < 3; i++) await why(second, "--size", "xs");
    const after = await Promise.all([...EDGES, ...REGIONALS].map((name) => mesh.status(name)));
    for (const counter of [
      "lru_hit",
      "lru_miss",
      "upstream_fetch",
      "path_cache_miss",
      "generated",
    ]) {
      expect([counter, after.map((s) => s.counters[counter])]).toEqual([
        counter,
        before.map((s) => s.counters[counter]),
      ]);
    }
    expect(after.map(({ cache }) => cache.variants)).toEqual(
      before.map(({ cache }) => cache.variants),
    );
  });

  test("takes the size and the format of the request that is meant", async () => {
    const told = await why(below, "--size", "sm", "--format", "webp");
    expect(told.next[0]?.relname).toBe("ha/rb/ou/sm/harbour.webp");
    expect(firstStep(told)).toMatchObject({ does: "generate" });
    const placeholder = await why(below, "--size", "placeholder");
    expect(placeholder.next[0]?.relname).toBe("ha/rb/ou/placeholder/harbour.webp");
    const wrong = await mir("why", "harbour", "--size", "huge", "--server", below);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("there is no size huge")]);
  });

  test("reads well for people", async () => {
    const { out } = await mir("why", "harbour", "--server", third);
    expect(out).toContain(`harbour  seen from ${third}, level 0`);
    expect(out).toMatch(
      new RegExp(`1 +stream from ${owner}, which owns the id; it has it on disk`),
    );
    expect(out).toMatch(/md jpg +\d+ KiB +[0-9a-f]{16} +owner/);
  });

  test("says who stands in for an owner that is down", async () => {
    await mesh.kill(owner);
    const downAt = async (name: string): Promise<boolean> =>
      (await mesh.status(name)).peers.find((peer) => peer.name === owner)?.state === "down";
    await until(() => downAt(third), "the owner is down");
    const told = await why(third);
    const steps = told.next[0]?.steps.map(({ does, servers }) => `${does} ${servers[0] ?? ""}`);
    expect(steps?.slice(0, 2)).toEqual([`pass-over ${owner}`, `ask-peer ${second}`]);
    expect(told.levels[0]?.servers[0]).toMatchObject({
      ...{ server: owner, state: "down", unknown: "not asked: it is down" },
    });
    const gone = await mir("why", "harbour", "--server", owner);
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining(".mir/admin.sock")]);
  }, 40_000);

  test("tells of a block", async () => {
    await mir("purge", "harbour", "--block", "--server", third);
    const told = await why(third);
    expect(told).toMatchObject({ blocked: true, fills: expect.any(Array) });
    expect(told.purgedAt).toBeGreaterThan(1_700_000_000);
    expect(firstStep(told)).toMatchObject({ does: "refuse" });
    await mir("purge", "harbour", "--unblock", "--server", third);
    await mesh.start(owner);
  }, 40_000);
});

describe("mir status", () => {
  test("shows every server of every level, asked of any node that runs here", async () => {
    await until(async () => (await mir("status")).out.includes("5 of 5 up"), "all are up");
    const { out } = await mir("status");
    for (const name of [...EDGES, ...REGIONALS]) {
      expect(out).toMatch(new RegExp(`─ ● ${name} +up|- \\* ${name} +up`));
    }
    expect(out).not.toContain("\x1b");
  }, 40_000);

  test("is the whole document for machines", async () => {
    const { out } = await mir("status", "--json", "--server", "edge-2");
    const told = JSON.parse(out) as MeshDocument;
    expect(told.server).toBe("edge-2");
    expect(told.levels[0]?.servers[0]?.status?.rates.seconds).toBeGreaterThanOrEqual(0);
  });

  test("says what it has tried when nobody answers", async () => {
    const other = join(mesh.dir, "other.toml");
    writeFileSync(
      other,
      (await Bun.file(mesh.topologyFile).text()).replaceAll(mesh.dir, "/nowhere"),
    );
    const child = Bun.spawn([EXECUTABLE, "status", "--topology", other], { stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toContain("no server of");
    expect(await child.exited).toBe(1);
  });
});

describe("mir statusline", () => {
  test("is one line, as wide as it should be, with what has happened of late", async () => {
    await until(async () => {
      await (await mesh.get("edge-1", PATH)).bytes();
      const { out } = await mir("statusline", "--server", "edge-1", "--width", "100");
      expect(out).toMatch(/^edge-1 L0 .{90}\n$/);
      return !/ 0\/s/.test(out);
    }, "requests in the line");
    const tmux = await mir("statusline", "--server", "edge-1", "--tmux");
    expect(tmux.out).toStartWith("#[bold]edge-1#[default]");
  });

  test("of a node that is down says so in a word, and fails", async () => {
    await mesh.kill("edge-3");
    const { code, out, err } = await mir("statusline", "--server", "edge-3");
    expect({ code, out, err }).toEqual({ code: 1, out: "mir edge-3: down\n", err: "" });
    await mesh.start("edge-3");
  });
});

describe("mir top", () => {
  const args = (): string[] => ["top", "--topology", mesh.topologyFile];
  const SIZE = { columns: 140, rows: 40 };
  const LEFT = "\x1b[?25h\x1b[?1049l";

  test("draws the mesh, follows keys and the size of the terminal, and leaves it as it was", async () => {
    await using screen = openPseudoTerminal(args(), SIZE);
    const before = screen.modes();
    await screen.shows("requests/s");
    await screen.shows("regional-2");
    expect(screen.raw()).toContain("\x1b[?1049h\x1b[?25l");
    expect(screen.modes()).not.toEqual(before);
    await screen.shows("─>● edge-1");
    screen.type("\x1b[B");
    await screen.shows("─>● edge-2");
    screen.type("?");
    await screen.shows("select a server");
    screen.type("?");
    await screen.shows("─>● edge-2");
    screen.resize(50, 12);
    await until(() => screen.frame().split("\n").length === 12, "a frame of 12 lines");
    expect(
      Math.max(
        ...screen
          .frame()
          .split("\n")
          .map((line) => Bun.stringWidth(line)),
      ),
    ).toBeLessThanOrEqual(50);
    screen.type("q");
    expect(await screen.exited).toBe(0);
    await until(() => screen.raw().endsWith(LEFT), "the screen is given back");
    expect(screen.modes()).toEqual(before);
  }, 40_000);

  test("leaves the terminal as it was when it is told to stop", async () => {
    for (const how of ["SIGTERM", "SIGHUP", "ctrl-c"] as const) {
      await using screen = openPseudoTerminal(args(), SIZE);
      const before = screen.modes();
      await screen.shows("requests/s");
      if (how === "ctrl-c") screen.type("\x03");
      else screen.signal(how);
      expect(await screen.exited).toBe(0);
      await until(() => screen.raw().endsWith(LEFT), "the screen is given back");
      expect(screen.modes()).toEqual(before);
    }
  }, 40_000);

  test("goes on when the node that it asks goes away and comes back", async () => {
    await using screen = openPseudoTerminal([...args(), "--server", "edge-2"], SIZE);
    await screen.shows("requests/s");
    await mesh.kill("edge-2");
    await screen.shows("it is asked again");
    await mesh.start("edge-2");
    await until(() => !screen.frame().includes("it is asked again"), "it goes on");
    screen.type("q");
    expect(await screen.exited).toBe(0);
  }, 40_000);

  test("needs a terminal; --once prints a frame", async () => {
    const { code, err } = await mir("top");
    expect([code, err]).toEqual([2, expect.stringContaining("mir top needs a terminal")]);
    const once = await mir("top", "--once");
    expect([once.code, once.out]).toEqual([0, expect.stringContaining("regional-1")]);
  });
});
