/** The public routes as Request → Response, over real files. */

import { afterAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../../src/base/fault.ts";
import type { Served } from "../../../src/content/served.ts";
import {
  createHistogramMemory,
  openHistogram,
  readLatencies,
} from "../../../src/observe/histogram.ts";
import {
  ask,
  bodyOf,
  get,
  makePictureSite,
  PICTURE_PATH,
  patternOf,
  SMALL,
  TOPOLOGY,
  writePictureFiles,
} from "../../support/picture-site.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const dir = makeTempDir();
afterAll(() => dir[Symbol.dispose]());
const { smallPath, small, large, bytes } = writePictureFiles(dir);

describe("what is asked of the content", () => {
  test("is the web id, the size after snapping and the format", async () => {
    const { handler, asked } = makePictureSite(() => small);
    await handler(ask("/puddle/a.b/300x200/photo.PNG?x"));
    const rest = { accepted: [], head: false, redirected: false };
    expect(asked).toMatchObject([{ webId: "a.b", size: "sm", format: "png", ...rest }]);
  });

  test("for auto is what Accept names, and the answer varies by it", async () => {
    const { handler, asked } = makePictureSite(() => small);
    const path = "/puddle/viral123/md/photo.auto";
    const first = await handler(ask(path, { accept: "image/webp,*/*" }));
    const second = await handler(ask(path));
    expect(asked.map(({ format, accepted }) => [format, accepted])).toEqual([
      ["auto", ["webp"]],
      ["auto", []],
    ]);
    expect([first.headers.get("vary"), second.headers.get("vary")]).toEqual(["Accept", "Accept"]);
  });

  test("for any other format leaves Accept unread, and nothing varies", async () => {
    const { handler, asked } = makePictureSite(() => small);
    const response = await handler(ask(PICTURE_PATH, { accept: "image/webp" }));
    expect(asked[0]?.accepted).toEqual([]);
    expect(response.headers.get("vary")).toBeNull();
  });

  test("for an original never depends on Accept", async () => {
    const { handler, asked } = makePictureSite(() => small);
    const path = "/puddle/viral123/orig/photo.auto";
    const response = await handler(ask(path, { accept: "image/webp" }));
    expect(asked[0]).toMatchObject({ size: "orig", accepted: [] });
    expect(response.headers.get("vary")).toBeNull();
  });

  test("is nothing for an original where the site keeps those to itself", async () => {
    const http = { ...TOPOLOGY.http, originals: false };
    const { handler, asked } = makePictureSite(() => small, { topology: { ...TOPOLOGY, http } });
    const { status, headers } = await handler(ask("/puddle/viral123/orig/photo.jpg"));
    expect([status, headers.get("cache-control")]).toEqual([404, "max-age=5"]);
    expect(asked).toEqual([]);
    expect((await handler(ask(PICTURE_PATH))).status).toBe(200);
  });

  test("on HEAD is only the head", async () => {
    const { handler, asked } = makePictureSite(() => small);
    await handler(ask(PICTURE_PATH, {}, "HEAD"));
    expect(asked[0]?.head).toBe(true);
  });

  test("is nothing where the URL is refused", async () => {
    const { handler, asked } = makePictureSite(() => small);
    for (const [path, status] of [
      ["/", 404],
      ["/puddle/viral123/md/photo.exe", 400],
      ["/puddle/viral123/huge/photo.jpg", 400],
      ["/puddle/a%00b/md/photo.jpg", 400],
    ] as const) {
      expect((await handler(ask(path))).status).toBe(status);
    }
    expect(asked).toEqual([]);
  });
});

describe("a cached file that is not what the index said", () => {
  const evicted = { ...small, path: `${dir.path}/evicted` };
  const evictedLarge = { ...large, path: `${dir.path}/evicted` };

  for (const [what, gone] of [
    ["gone", evicted],
    ["gone and large", evictedLarge],
    ["shorter", { ...small, path: dir.write("short", SMALL.subarray(0, 999)) }],
    ["longer", { ...small, path: dir.write("long", patternOf(1001)) }],
    ["large and shorter", { ...large, path: smallPath }],
  ] as const) {
    test(`but ${what} is a miss: the content is asked once more`, async () => {
      const forgotten: string[] = [];
      const { handler, asked } = makePictureSite((_, turn) => (turn === 1 ? gone : bytes), {
        unread: (relname) => forgotten.push(relname),
      });
      const response = await handler(ask(PICTURE_PATH));
      expect([response.status, asked.length]).toEqual([200, 2]);
      expect(forgotten).toEqual(["vi/ra/l1/md/viral123.jpg"]);
      expect(await response.bytes()).toEqual(SMALL);
    });
  }

  test("is a miss for a range of it too", async () => {
    const { handler } = makePictureSite((_, turn) => (turn === 1 ? evicted : bytes));
    const response = await handler(ask(PICTURE_PATH, { range: "bytes=0-9" }));
    expect([response.status, (await response.bytes()).length]).toEqual([206, 10]);
  });

  test("every time is 503 after the fourth", async () => {
    const { handler, asked, count } = makePictureSite(() => evicted);
    const response = await handler(ask(PICTURE_PATH));
    expect([response.status, asked.length]).toEqual([503, 4]);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(count("shed")).toBe(1);
  });

  test("while it is read does not disturb what was read", async () => {
    const path = dir.write("brief", SMALL);
    const response = await get({ ...small, path });
    rmSync(path);
    writeFileSync(path, patternOf(5));
    expect(await response.bytes()).toEqual(SMALL);
  });

  test("and many at once share no bytes", async () => {
    const other = patternOf(1000).map((byte) => byte ^ 0xff);
    const path = dir.write("other", other);
    const { handler } = makePictureSite((_, turn) => (turn % 2 ? small : { ...small, path }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => handler(ask(PICTURE_PATH))));
    for (const [i, answer] of answers.entries()) {
      expect(await answer.bytes()).toEqual(i % 2 ? other : SMALL);
    }
  });
});

describe("a failure", () => {
  const failing = (error: unknown) =>
    makePictureSite(() => {
      throw error;
    });

  test("of the content is told under its code", async () => {
    const { handler } = failing(new Fault("resolver_down", "the API does not answer"));
    const response = await handler(ask(PICTURE_PATH));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "resolver_down" } });
  });

  test("that nobody foresaw is logged and is 500 without its reason", async () => {
    const logged: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (...what: unknown[]) => logged.push(what),
    };
    const content = () => {
      throw new Error("secret");
    };
    const { handler } = makePictureSite(content, { log });
    const response = await handler(ask(PICTURE_PATH));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(logged).toHaveLength(1);
  });

  test("of a stream before its first byte is an answer, not a cut", async () => {
    const body = bodyOf([], new Fault("peer_failed", "broke off"));
    const response = await get({ ...small, kind: "stream", body });
    expect(response.status).toBe(502);
    const short = bodyOf([]);
    expect((await get({ ...small, kind: "stream", body: short })).status).toBe(502);
    expect(short.cancelled).toBe(true);
  });
});

describe("another method", () => {
  test("is 405, with the methods that are served", async () => {
    const { handler, asked } = makePictureSite(() => small);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
      const response = await handler(ask(PICTURE_PATH, {}, method));
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    }
    expect(asked).toEqual([]);
    const upload = await handler(ask("/upload-propagate", {}, "POST"));
    expect(await upload.text()).toContain("this listener takes no uploads");
  });

  test("OPTIONS lets scripts of the site ask with ranges and conditions", async () => {
    const { handler } = makePictureSite(() => small);
    const { status, headers } = await handler(ask(PICTURE_PATH, {}, "OPTIONS"));
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS");
    expect(headers.get("access-control-allow-headers")).toContain("Range");
  });
});

describe("a worker", () => {
  test("says that it is alive, whatever the query", async () => {
    const { handler, asked } = makePictureSite(() => small);
    const response = await handler(ask("/healthz?x=1"));
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
    expect(asked).toEqual([]);
  });

  test("closes connections while it drains, and only then", async () => {
    let draining = false;
    const { handler } = makePictureSite(() => small, { draining: () => draining });
    const closing = async (path: string) => (await handler(ask(path))).headers.get("connection");
    const paths = [PICTURE_PATH, "/healthz", "/nothing"];
    for (const path of paths) expect(await closing(path)).toBeNull();
    draining = true;
    for (const path of paths) expect(await closing(path)).toBe("close");
    draining = false;
    for (const path of paths) expect(await closing(path)).toBeNull();
  });

  test("counts requests and the bytes it promises", async () => {
    const { handler, count } = makePictureSite(() => small);
    await handler(ask(PICTURE_PATH));
    await handler(ask(PICTURE_PATH, { range: "bytes=0-9" }));
    await handler(ask(PICTURE_PATH, {}, "HEAD"));
    await handler(ask("/nothing"));
    expect([count("http_requests"), count("http_bytes")]).toEqual([4, 1010]);
  });

  test("notes how long each kind of answer took", async () => {
    const memory = createHistogramMemory(1);
    const histogram = openHistogram(memory, 0);
    const { handler } = makePictureSite(
      (_, turn) => {
        if (turn === 2) throw new Fault("bad_origin", "m");
        return small;
      },
      { histogram },
    );
    await handler(ask(PICTURE_PATH));
    await handler(ask(PICTURE_PATH));
    await handler(ask("/nothing"));
    const seen = readLatencies(memory)
      .map(({ outcome, counts }) => [outcome, counts.reduce((a, b) => a + b, 0)])
      .filter(([, count]) => count !== 0);
    expect(seen).toEqual([
      ["hit", 1],
      ["refused", 1],
      ["failed", 1],
    ]);
  });

  test("gives a streamed answer an idle time of its own, and no other", async () => {
    const idle: number[] = [];
    const server = { timeout: (_: Request, seconds: number) => idle.push(seconds) };
    const streamed: Served = { ...small, kind: "stream", body: bodyOf([SMALL]) };
    const { handler } = makePictureSite((_, turn) => (turn === 1 ? small : streamed));
    await handler(ask(PICTURE_PATH), server);
    expect(idle).toEqual([]);
    await handler(ask(PICTURE_PATH), server);
    expect(idle).toEqual([28]);
  });
});
