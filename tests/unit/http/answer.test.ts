/** What was found, as an answer: whole, in part, not modified, or its head alone. */

import { afterAll, describe, expect, test } from "bun:test";
import { HIT, type Served } from "../../../src/content/served.ts";
import {
  ask,
  bodyOf,
  get,
  LARGE,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  SMALL,
  TOPOLOGY,
  writePictureFiles,
} from "../../support/picture-site.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const ETAG = '"0123456789abcdef-rs"';
const LAST_MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT";

const dir = makeTempDir();
afterAll(() => dir[Symbol.dispose]());
const { small, large, bytes } = writePictureFiles(dir);

describe("a picture", () => {
  for (const [what, served, content] of [
    ["a small file", small, SMALL],
    ["a large file", large, LARGE],
    ["bytes", bytes, SMALL],
  ] as const) {
    test(`from ${what} is answered whole`, async () => {
      const response = await get(served);
      expect(response.status).toBe(200);
      expect(await response.bytes()).toEqual(content);
    });

    test(`from ${what} is answered in part`, async () => {
      const response = await get(served, { range: "bytes=10-19" });
      expect(response.status).toBe(206);
      expect(response.headers.get("content-range")).toBe(`bytes 10-19/${content.length}`);
      expect(await response.bytes()).toEqual(content.slice(10, 20));
    });
  }

  test("from a stream is answered whole, whatever range was asked for", async () => {
    const chunks = [SMALL.subarray(0, 300), SMALL.subarray(300)];
    const served: Served = { ...small, kind: "stream", body: bodyOf(chunks) };
    const response = await get(served, { range: "bytes=10-19" });
    expect(response.status).toBe(200);
    expect(await response.bytes()).toEqual(SMALL);
  });

  test("of no bytes is a picture of no bytes", async () => {
    const path = dir.write("empty", "");
    const response = await get({ ...small, meta: metaOf(0), path });
    expect(response.status).toBe(200);
    expect((await response.bytes()).length).toBe(0);
  });

  test("carries everything a cache or a browser wants to know", async () => {
    const { headers } = await get(small);
    expect(Object.fromEntries(headers)).toEqual({
      etag: ETAG,
      "last-modified": LAST_MODIFIED,
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "image/jpeg",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "cache-status": "mir-edge-1; hit",
      "access-control-allow-origin": "*",
      "timing-allow-origin": "*",
    });
  });

  test("has the type of its stored bytes, not of its URL", async () => {
    const type = async (relname: string) =>
      (await get({ ...small, meta: metaOf(1000, relname) })).headers.get("content-type");
    expect(await type("vi/ra/l1/orig/viral123.png")).toBe("image/png");
    expect(await type("vi/ra/l1/orig/viral123.svg")).toBe("application/octet-stream");
    expect(await type("vi/ra/l1/orig/viral123.bin")).toBe("application/octet-stream");
  });

  test("that is a stand-in lives for ten seconds and is not immutable", async () => {
    const { headers } = await get({ ...small, outcome: { ...HIT, source: "stand-in" } });
    expect(headers.get("cache-control")).toBe("public, max-age=10");
    expect(headers.get("cache-status")).toBe("mir-edge-1; fwd=uri-miss; detail=stand-in");
  });

  test("answered again has the headers of its present bytes", async () => {
    let served: Served = small;
    const { handler } = makePictureSite(() => served);
    const etag = async () => (await handler(ask(PICTURE_PATH))).headers.get("etag");
    expect(await etag()).toBe(ETAG);
    expect(await etag()).toBe(ETAG);
    served = { ...small, meta: { ...small.meta, validator: "f".repeat(16) } };
    expect(await etag()).toBe('"ffffffffffffffff-rs"');
  });

  test("is shown to the origins of the site, or to none", async () => {
    const of = async (allowOrigin: string) => {
      const topology = { ...TOPOLOGY, http: { prefix: "puddle", allowOrigin, originals: true } };
      const { handler } = makePictureSite(() => small, { topology });
      const { headers } = await handler(ask(PICTURE_PATH));
      return [headers.get("access-control-allow-origin"), headers.get("timing-allow-origin")];
    };
    expect(await of("https://a.example")).toEqual(["https://a.example", "https://a.example"]);
    expect(await of("")).toEqual([null, null]);
  });
});

describe("a client that has the bytes", () => {
  for (const [what, served] of [
    ["a file", small],
    ["a stream", { ...small, kind: "stream", body: bodyOf([SMALL]) }],
  ] as const) {
    test(`of ${what} is told so, with the headers of the 200 it stands for`, async () => {
      const response = await get(served, { "if-none-match": `"x", W/${ETAG}` });
      expect(response.status).toBe(304);
      expect(Object.fromEntries(response.headers)).toEqual({
        etag: ETAG,
        "last-modified": LAST_MODIFIED,
        "cache-control": "public, max-age=31536000, immutable",
        "cache-status": "mir-edge-1; hit",
        "access-control-allow-origin": "*",
        "timing-allow-origin": "*",
      });
      expect(response.body).toBeNull();
    });
  }

  test("leaves a stream unread and gives it back", async () => {
    const body = bodyOf([SMALL]);
    await get({ ...small, kind: "stream", body }, { "if-none-match": ETAG });
    expect([body.reads, body.cancelled]).toEqual([0, true]);
  });

  test("may go by date, where it sends no tag", async () => {
    expect((await get(small, { "if-modified-since": LAST_MODIFIED })).status).toBe(304);
    const both = { "if-modified-since": LAST_MODIFIED, "if-none-match": '"x"' };
    expect((await get(small, both)).status).toBe(200);
  });

  test("on HEAD is told so too, and 304 goes before a range", async () => {
    expect((await get(small, { "if-none-match": "*" }, "HEAD")).status).toBe(304);
    const both = { "if-none-match": ETAG, range: "bytes=5000-" };
    expect((await get(small, both)).status).toBe(304);
  });

  test("of a negotiated picture hears that the answer varies", async () => {
    const { handler } = makePictureSite(() => small);
    const headers = { "if-none-match": ETAG };
    const response = await handler(ask("/puddle/viral123/md/photo.auto", headers));
    expect([response.status, response.headers.get("vary")]).toEqual([304, "Accept"]);
  });
});

describe("a range", () => {
  test("that does not exist is 416 with the length there is", async () => {
    const response = await get(small, { range: "bytes=1000-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */1000");
    expect(response.headers.get("cache-control")).toBe("max-age=60");
    expect(await response.json()).toMatchObject({ error: { code: "range_not_satisfiable" } });
  });

  test("in several parts, or malformed, is answered whole", async () => {
    for (const range of ["bytes=0-1,5-6", "bytes=9-2", "lines=1-2"]) {
      const response = await get(small, { range });
      expect([range, response.status, (await response.bytes()).length]).toEqual([range, 200, 1000]);
    }
  });

  test("is answered in part only where If-Range holds", async () => {
    const range = "bytes=0-9";
    const status = async (ifRange: string) =>
      (await get(small, { range, "if-range": ifRange })).status;
    expect(await status(ETAG)).toBe(206);
    expect(await status(LAST_MODIFIED)).toBe(206);
    expect(await status(`W/${ETAG}`)).toBe(200);
    expect(await status('"other"')).toBe(200);
    const beyond = { range: "bytes=5000-", "if-range": '"other"' };
    expect((await get(small, beyond)).status).toBe(200);
  });

  test("on HEAD means nothing", async () => {
    const response = await get(small, { range: "bytes=0-9" }, "HEAD");
    expect([response.status, response.headers.get("content-length")]).toEqual([200, "1000"]);
  });

  test("leaves the headers that are kept ready as they are", async () => {
    const { handler } = makePictureSite(() => small);
    await handler(ask(PICTURE_PATH));
    await handler(ask(PICTURE_PATH, { range: "bytes=0-9" }));
    await handler(ask(PICTURE_PATH, {}, "HEAD"));
    const { headers } = await handler(ask(PICTURE_PATH));
    expect([headers.get("content-range"), headers.get("content-length")]).toEqual([null, null]);
  });
});

describe("HEAD", () => {
  for (const [what, served] of [
    ["a file", small],
    ["bytes", bytes],
  ] as const) {
    test(`of ${what} is the head of the GET with its length and a date`, async () => {
      const whole = Object.fromEntries((await get(served)).headers);
      const { status, headers, body } = await get(served, {}, "HEAD");
      const { date, "content-length": length, ...others } = Object.fromEntries(headers);
      expect([status, length, body]).toEqual([200, "1000", null]);
      expect(Date.parse(date ?? "")).toBeGreaterThan(0);
      expect(others).toEqual(whole);
    });
  }

  test("of a stream gives it back unread", async () => {
    const body = bodyOf([SMALL]);
    const response = await get({ ...small, kind: "stream", body }, {}, "HEAD");
    expect(response.headers.get("content-length")).toBe("1000");
    expect([body.reads, body.cancelled]).toEqual([0, true]);
  });
});
