/** Purging and blocking in a whole mesh: nothing of before comes back, whoever was away. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { variantsBelow } from "../support/cache-dir.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg, pictureOf, writePicture } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY, upload } from "../support/uploads.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
const REGIONALS = ["regional-1", "regional-2"] as const;
const ALL = [...EDGES, ...REGIONALS] as const;

// a test that takes longer has its nodes killed by the runner, and the others with it
setDefaultTimeout(60_000);

interface NodeReport {
  readonly server: string;
  readonly had?: readonly { id: string; variants: number; bytes: number; uploads?: number }[];
  readonly fault?: string;
}
interface Purged {
  readonly nodes: readonly NodeReport[];
  readonly origin?: { readonly removed: readonly { id: string; names: number }[] };
}

let photos: TempDir;
let mesh: Mesh;

beforeAll(async () => {
  photos = makeTempDir();
  mesh = await startMesh({
    edges: EDGES,
    regionals: REGIONALS,
    origin: { origin_dir: photos.path },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos?.[Symbol.dispose]();
});

async function purge(...args: string[]): Promise<{ code: number; out: string }> {
  const node = ["--topology", mesh.topologyFile, "--server", "edge-1"];
  const child = Bun.spawn([EXECUTABLE, "purge", ...args, ...node], {
    stdout: "pipe",
    stderr: "pipe",
  });
  return { code: await child.exited, out: await new Response(child.stdout).text() };
}

async function purgeJson(...args: string[]): Promise<Purged & { code: number }> {
  const { code, out } = await purge(...args, "--json");
  return { code, ...(JSON.parse(out) as Purged) };
}

/** Makes every edge have, or pass on, some variants of it. */
async function askEverywhere(id: string): Promise<Set<string | null>> {
  const etags = new Set<string | null>();
  for (const edge of EDGES) {
    for (const path of ["md/a.jpg", "sm/a.webp", "xs/a.png", "orig/a.jpg"]) {
      const answer = await mesh.get(edge, `/puddle/${id}/${path}`);
      expect(answer.status).toBe(200);
      await answer.bytes();
      if (path === "md/a.jpg") etags.add(answer.headers.get("etag"));
    }
  }
  return etags;
}

function variantsOf(name: string, id: string): string[] {
  return variantsBelow(join(mesh.dir, name)).filter((path) => path.includes(`/${id}.`));
}

/** A file is growing there. */
function working(name: string): boolean {
  return readdirSync(join(mesh.dir, name, ".mir/tmp")).length > 0;
}

describe("a purge", () => {
  test("reaches every variant on every node, and a replaced original is served anew everywhere", async () => {
    await writePicture(photos.path, "harbour.jpg", { width: 1600, height: 1200 });
    const before = await askEverywhere("harbour");
    expect(before.size).toBe(1);
    const on = Object.fromEntries(ALL.map((name) => [name, variantsOf(name, "harbour").length]));
    await writePicture(photos.path, "harbour.jpg", { width: 900, height: 1500 });

    const { code, nodes } = await purgeJson("harbour");
    expect(code).toBe(0);
    const had = Object.fromEntries(nodes.map((n) => [n.server, n.had?.[0]?.variants]));
    expect(had).toEqual(on);
    expect(Object.values(on).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(5);
    for (const name of ALL) expect(variantsOf(name, "harbour")).toEqual([]);

    const after = await askEverywhere("harbour");
    expect(after.size).toBe(1);
    expect(after).not.toEqual(before);
    const picture = await mesh.get("edge-2", "/puddle/harbour/md/a.jpg");
    expect(await pictureOf(picture)).toMatchObject({ width: 461, height: 768 });
  });

  test("is told to people as a table of who had what", async () => {
    await writePicture(photos.path, "meadow.jpg", { width: 800, height: 600 });
    await askEverywhere("meadow");
    const { code, out } = await purge("meadow");
    expect(code).toBe(0);
    for (const name of ALL) expect(out).toMatch(new RegExp(`${name} +meadow +\\d+ variants?, `));
  });

  test("clears what is remembered of a name: a new picture shows at once", async () => {
    const missing = await mesh.get("edge-1", "/puddle/newcomer/md/a.jpg");
    expect(missing.status).toBe(404);
    await writePicture(photos.path, "newcomer.jpg", { width: 400, height: 300 });
    await purge("newcomer");
    const answer = await mesh.get("edge-1", "/puddle/newcomer/md/a.jpg");
    expect(answer.status).toBe(200);
    await answer.bytes();
  });

  test("during a running load: the load ends well and keeps nothing of before", async () => {
    const paths = Array.from({ length: 8 }, (_, i) => `/puddle/busy-${i}/lg/a.webp`);
    for (const [i] of paths.entries()) {
      await writePicture(photos.path, `busy-${i}.jpg`, { width: 2400, height: 1800 });
    }
    const loads = paths.map((path) => mesh.get("edge-1", path));
    const ids = paths.map((_, i) => `busy-${i}`);
    await until(() => REGIONALS.some((name) => working(name)), "a load is under way");
    for (const id of ids) {
      await writePicture(photos.path, `${id}.jpg`, { width: 900, height: 1200 });
    }
    expect((await purgeJson(...ids)).code).toBe(0);
    for (const load of loads) {
      const answer = await load;
      expect(answer.status).toBe(200);
      await answer.bytes();
    }
    for (const path of paths) {
      for (const edge of EDGES) {
        const answer = await mesh.get(edge, path);
        expect(await pictureOf(answer)).toMatchObject({ width: 900, height: 1200 });
      }
    }
  });
});

describe("a node that was away during a purge", () => {
  test("does not bring the old picture back", async () => {
    await writePicture(photos.path, "bridge.jpg", { width: 1000, height: 800 });
    const before = await askEverywhere("bridge");
    const away = EDGES.find((edge) => variantsOf(edge, "bridge").length > 0) ?? "edge-3";
    const others = away === "edge-1" ? "edge-2" : "edge-1";
    await mesh.kill(away);
    expect(variantsOf(away, "bridge")).not.toEqual([]);
    await writePicture(photos.path, "bridge.jpg", { width: 800, height: 1000 });
    const node = ["--topology", mesh.topologyFile, "--server", others];
    const child = Bun.spawn([EXECUTABLE, "purge", "bridge", ...node], { stdout: "pipe" });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stdout).text()).toMatch(new RegExp(`${away} +NOT REACHED`));

    await mesh.start(away);
    expect(variantsOf(away, "bridge")).toEqual([]);
    const after = await askEverywhere("bridge");
    expect(after.size).toBe(1);
    expect(after).not.toEqual(before);
  });

  test("has it after a kill -9 right behind the answer", async () => {
    await writePicture(photos.path, "tower.jpg", { width: 1000, height: 800 });
    await askEverywhere("tower");
    const { code } = await purgeJson("tower", "--block");
    expect(code).toBe(0);
    await Promise.all(ALL.map((name) => mesh.kill(name)));
    // one after the other, with nobody else to ask for the first
    for (const name of ALL) await mesh.start(name);
    for (const edge of EDGES) {
      expect((await mesh.get(edge, "/puddle/tower/md/a.jpg")).status).toBe(451);
    }
    expect((await purgeJson("tower", "--unblock")).code).toBe(0);
  });
});

describe("a blocked id", () => {
  test("is 451 on every edge, kept by nobody, until it is unblocked", async () => {
    await writePicture(photos.path, "statue.jpg", { width: 1000, height: 800 });
    await askEverywhere("statue");
    expect((await purgeJson("statue", "--block")).code).toBe(0);
    for (const edge of EDGES) {
      const answer = await mesh.get(edge, "/puddle/statue/md/a.jpg");
      expect(answer.status).toBe(451);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.json()).toMatchObject({ error: { code: "blocked" } });
    }
    expect((await purge("statue", "--block")).out).toMatch(
      /^edge-1 .*statue {2}blocked, 0 variants/m,
    );
    const lifted = await purge("statue", "--unblock");
    expect([lifted.code, lifted.out]).toEqual([0, expect.stringMatching(/statue {2}unblocked/)]);
    await askEverywhere("statue");
  });

  test("is lifted on a node that was away, too", async () => {
    await purgeJson("statue", "--block");
    await mesh.kill("edge-3", "SIGTERM");
    expect((await purgeJson("statue", "--unblock")).code).toBe(1);
    await mesh.start("edge-3");
    const answer = await mesh.get("edge-3", "/puddle/statue/md/a.jpg");
    expect(answer.status).toBe(200);
    await answer.bytes();
  });
});

describe("--origin", () => {
  test("deletes the original in the store, under every name it has there", async () => {
    const path = await writePicture(photos.path, "wreck.jpg", { width: 500, height: 400 });
    await writePicture(photos.path, "wreck.PNG", { width: 500, height: 400 });
    await askEverywhere("wreck");
    const { code, origin } = await purgeJson("wreck", "--origin");
    expect(code).toBe(0);
    expect(origin?.removed).toEqual([{ id: "web-d3JlY2s", names: 2 }]);
    expect(existsSync(path)).toBe(false);
    for (const edge of EDGES) {
      expect((await mesh.get(edge, "/puddle/wreck/md/a.jpg")).status).toBe(404);
    }
  });
});

describe("--origin while the store is away", () => {
  test("takes back an upload that is on its way, and one made later arrives", async () => {
    const away = `${photos.path}-away`;
    renameSync(photos.path, away);
    const picture = await drawJpeg({ width: 320, height: 240 });
    const meta = { contentId: "withdrawn-picture" };
    const { url } = mesh.node("edge-2");
    const first = await upload(url, picture, meta);
    expect(first.status).toBe(201);
    const relname = first.relname ?? "";
    const { code, nodes } = await purgeJson("withdrawn-picture", "--origin");
    expect(code).toBe(1); // the store could not be asked
    const taken = nodes.flatMap(({ had = [] }) => had.map(({ uploads = 0 }) => uploads));
    expect(taken.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
    renameSync(away, photos.path);
    expect((await upload(url, picture, { contentId: "another-picture" })).status).toBe(201);
    const stored = (name: string): boolean => existsSync(join(photos.path, name));
    await until(async () => {
      const pending = await Promise.all(ALL.map((name) => mesh.status(name)));
      return pending.every(({ outbox }) => outbox.pending === 0 && outbox.aside === 0);
    }, "nothing waits for the store");
    expect(stored(relname)).toBe(false);
    await until(async () => (await upload(url, picture, meta)).status === 201, "taken anew");
    await until(() => stored(relname), "in the store");
  });
});

test("what is kept in the slack after a purge is gone when it is over", async () => {
  await writePicture(photos.path, "ripple.jpg", { width: 500, height: 400 });
  await purgeJson("ripple");
  await askEverywhere("ripple");
  await until(
    () => ALL.every((name) => variantsOf(name, "ripple").length === 0),
    "everything kept in the slack is swept",
  );
  await askEverywhere("ripple");
  expect(ALL.some((name) => variantsOf(name, "ripple").length > 0)).toBe(true);
});
