/** The dashboard in a browser: it shows the mesh as it is, and what becomes of it, while one looks. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { MeshDocument, MeshServer } from "../../src/http/mesh-document.ts";
import { CHROMIUM, openBrowser, openPage, screenshot, WHY_NO_BROWSER } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

/** Promised of the dashboard: not how fast this machine is. */
const DEATH_MS = 3_000;
const SILENCE_MS = 6_000;
const TEST_MS = 90_000;
const EDGES = ["edge-1", "edge-2", "edge-3"];
const PICTURE = "/puddle/harbour/sm/a.jpg";
const TOKEN = "a token for the dashboard";

const adminPort = freePort();
const guardedPort = freePort();
const ADDRESS = `http://127.0.0.1:${adminPort}/`;

test(
  "a blocked photo has no picture at the admin listener either",
  async () => {
    using photos = makeTempDir();
    await writePicture(photos.path, "harbour.jpg", { width: 1200, height: 900 });
    await using mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos.path } });
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    const picture = (): Promise<Response> => fetch("http://mir/picture/harbour", { unix });
    await (await mesh.get("edge-1", PICTURE)).bytes();
    const before = await mesh.status("edge-1");
    expect((await picture()).headers.get("content-type")).toBe("image/jpeg");
    expect((await mesh.status("edge-1")).counters).toEqual(before.counters);
    const body = JSON.stringify({ ids: ["harbour"], block: true });
    await fetch("http://mir/purge", {
      ...{ method: "POST", headers: { "X-Mir-Admin": "1" }, body, unix },
    });
    expect((await picture()).status).toBe(451);
  },
  TEST_MS,
);

describe.skipIf(CHROMIUM === undefined)(`the dashboard ${WHY_NO_BROWSER}`, () => {
  let photos: TempDir;
  let mesh: Mesh;
  let browser: Browser;

  beforeAll(async () => {
    photos = makeTempDir();
    await writePicture(photos.path, "harbour.jpg", { width: 1200, height: 900 });
    [mesh, browser] = await Promise.all([startDashboardMesh(photos.path), openBrowser()]);
  }, TEST_MS);
  afterAll(async () => {
    await browser.close();
    await mesh[Symbol.asyncDispose]();
    photos[Symbol.dispose]();
  });

  test(
    "shows every server of every level as up, and asks nobody but its node",
    async () => {
      await using opened = await openPage(browser, ADDRESS);
      const { page, foreign, errors } = opened;
      await allUp(page);
      expect(await page.title()).toBe("scenario · mir");
      expect(await page.getByText("Nothing is out of order.").count()).toBe(1);
      expect(await page.locator("svg.mesh").getByText("origin", { exact: true }).count()).toBe(1);
      expect([foreign, errors]).toEqual([[], []]);
    },
    TEST_MS,
  );

  test(
    "shows what is asked for, with its picture",
    async () => {
      await using opened = await openPage(browser, ADDRESS);
      const { page, errors } = opened;
      await askOften(mesh);
      await page.locator("ol.photos img").first().waitFor();
      const [width] = await page
        .locator("ol.photos img")
        .evaluateAll((images) => images.map((image) => Number(Reflect.get(image, "naturalWidth"))));
      expect(width).toBeGreaterThan(0);
      expect(await page.locator("ol.photos").getByText("harbour").count()).toBeGreaterThan(0);
      // a flow is drawn as long as it lasts
      const flow = page.locator("svg.mesh path.flow").first();
      await until(async () => {
        await (await mesh.get("edge-1", PICTURE)).bytes();
        return (await flow.count()) > 0;
      }, "a flow is drawn");
      expect(errors).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "shows a peer's death within 3 s of kill -9, and its return",
    async () => {
      await using opened = await openPage(browser, ADDRESS);
      const { page } = opened;
      await allUp(page);
      const tookMs = await timed(async () => {
        await mesh.kill("edge-2");
        await troubled(page, "edge-2");
      });
      say(`kill -9 was shown after ${tookMs} ms`);
      expect(tookMs).toBeLessThan(DEATH_MS);
      await page.locator(".attention").getByText("edge-2 is down").waitFor();
      // it watches no edges itself
      const seen = await seenBy(mesh, "regional-1", "edge-2");
      expect([seen?.state, seen?.seenBy]).toEqual(["down", expect.stringMatching(/^edge-[13]$/)]);
      await screenshot(page, "killed");
      await mesh.start("edge-2");
      await allUp(page);
    },
    TEST_MS,
  );

  test(
    "shows a peer that hangs within 6 s of SIGSTOP, and its return",
    async () => {
      await using opened = await openPage(browser, ADDRESS);
      const { page } = opened;
      await allUp(page);
      const { process } = mesh.node("edge-2");
      const tookMs = await timed(async () => {
        process.kill("SIGSTOP");
        await troubled(page, "edge-2");
      });
      say(`SIGSTOP was shown after ${tookMs} ms`);
      expect(tookMs).toBeLessThan(SILENCE_MS);
      await screenshot(page, "stopped");
      process.kill("SIGCONT");
      await allUp(page);
    },
    TEST_MS,
  );

  test(
    "says that its own node is gone, and goes on when that is back",
    async () => {
      await using opened = await openPage(browser, ADDRESS);
      const { page } = opened;
      await allUp(page);
      await mesh.kill("edge-1");
      await page.getByText("connection lost, trying again").waitFor();
      await mesh.start("edge-1");
      await allUp(page);
      await page.getByText("live", { exact: true }).waitFor();
    },
    TEST_MS,
  );

  test(
    "is used from the keyboard: arrows move, Enter shows a server, and focus stays",
    async () => {
      await using opened = await openPage(browser, ADDRESS, { colorScheme: "dark" });
      const { page } = opened;
      await allUp(page);
      await page.keyboard.press("Tab");
      expect(await focused(page)).toBe("edge-1");
      await page.keyboard.press("ArrowRight");
      expect(await focused(page)).toBe("edge-2");
      await page.keyboard.press("ArrowDown");
      expect(await focused(page)).toBe("regional-1");
      await page.keyboard.press("Enter");
      await page.locator(".details").getByRole("heading", { name: "regional-1" }).waitFor();
      // it was drawn anew meanwhile
      expect(await focused(page)).toBe("regional-1");
      await screenshot(page, "dark");
      await page.getByRole("button", { name: "Close" }).press("Enter");
      expect(await page.locator(".details").count()).toBe(0);
      expect(await focused(page)).toBe("regional-1");
    },
    TEST_MS,
  );

  test(
    "fits a phone without scrolling sideways",
    async () => {
      const viewport = { width: 390, height: 844 };
      await using opened = await openPage(browser, ADDRESS, { viewport });
      const { page } = opened;
      await allUp(page);
      await page.locator("svg.mesh [data-server='edge-3']").click();
      await page.locator(".details").waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width);
      expect((await screenshot(page, "phone")).length).toBeGreaterThan(10_000);
    },
    TEST_MS,
  );

  test(
    "asks for the token where there is one, and tells nothing without",
    async () => {
      await mesh.kill("edge-3");
      await mesh.start("edge-3", { MIR_ADMIN_TOKEN: TOKEN });
      await using opened = await openPage(browser, `http://127.0.0.1:${guardedPort}/`);
      const { page, errors } = opened;
      const field = page.getByLabel("MIR_ADMIN_TOKEN of the node");
      await field.fill("a wrong one");
      expect(await page.content()).not.toContain("edge-1");
      await field.press("Enter");
      await page.getByText("That was not it.").waitFor();
      await field.fill(TOKEN);
      await field.press("Enter");
      await allUp(page);
      expect(errors).toEqual([]);
    },
    TEST_MS,
  );
});

/** Edges 1 and 3 have a listener for browsers, the others their socket only. */
async function startDashboardMesh(photos: string): Promise<Mesh> {
  const admins: Readonly<Record<string, number>> = { "edge-1": adminPort, "edge-3": guardedPort };
  return startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: photos },
    serverOf: (name) => {
      const port = admins[name];
      return port === undefined ? {} : { admin: { host: "127.0.0.1", port } };
    },
  });
}

const server = (page: Page, name: string) => page.locator(`svg.mesh [data-server="${name}"]`);

async function allUp(page: Page): Promise<void> {
  for (const name of [...EDGES, "regional-1"]) {
    await server(page, name).and(page.locator(".up")).waitFor();
  }
  await page.getByText("Nothing is out of order.").waitFor();
}

async function troubled(page: Page, name: string): Promise<void> {
  const trouble = page.locator(".suspect").or(page.locator(".down"));
  await server(page, name).and(trouble).waitFor();
  const said = server(page, name).getByText(/^(suspect|down)$/);
  await said.waitFor();
}

async function seenBy(mesh: Mesh, node: string, name: string): Promise<MeshServer | undefined> {
  const unix = join(mesh.node(node).cacheDir, ".mir/admin.sock");
  const answer = await fetch("http://mir/mesh", { unix });
  const { levels } = (await answer.json()) as MeshDocument;
  return levels.flatMap(({ servers }) => servers).find((s) => s.name === name);
}

/** Until edge-1 counts it as hot. */
async function askOften(mesh: Mesh): Promise<void> {
  await until(async () => {
    await (await mesh.get("edge-1", PICTURE)).bytes();
    return (await mesh.status("edge-1")).hot.items.some(({ id }) => id === "harbour");
  }, "hot");
}

async function focused(page: Page): Promise<unknown> {
  return page.evaluate("document.activeElement?.dataset.server");
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return Math.round(performance.now() - start);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
