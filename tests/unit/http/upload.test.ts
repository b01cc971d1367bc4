/** The upload route: keys, refusals and their waits, bounds, and answers. */

import { afterEach, describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { ReceiveUpload, UploadWish } from "../../../src/content/upload.ts";
import type { Handler } from "../../../src/http/image.ts";
import { type UploadOptions, withUploads } from "../../../src/http/upload.ts";
import { until } from "../../support/until.ts";
import { FORM_TYPE, formOf, UPLOAD_KEY, uploadForm } from "../../support/uploads.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const PICTURE = Buffer.alloc(100_000, "picture");
const NO_WAIT = { refusedMs: 0 };

interface Site {
  readonly handler: Handler;
  readonly wishes: UploadWish[];
  readonly received: Buffer[];
  disposed: number;
}

function siteOf(options: Partial<UploadOptions> = {}, finish?: () => Promise<never>): Site {
  const site = { wishes: [] as UploadWish[], received: [] as Buffer[], disposed: 0 };
  const receive: ReceiveUpload = (wish) => {
    site.wishes.push(wish);
    const pieces: Buffer[] = [];
    return {
      write: (chunk) => pieces.push(Buffer.from(chunk)),
      async finish() {
        await finish?.();
        const all = Buffer.concat(pieces);
        site.received.push(all);
        const common = { contentId: "abcdef", relname: "ab/cd/ef/orig/abcdef.jpg" };
        const created = wish.webId !== "known";
        const propagated = created ? ("queued" as const) : ("done" as const);
        return { ...common, bytes: all.length, digest: "d".repeat(64), created, propagated };
      },
      [Symbol.dispose]() {
        site.disposed++;
      },
    };
  };
  const { counters, log } = watchedParts();
  const routes: Handler = ({ method }) => {
    if (method === "GET") return new Response("no such URL", { status: 404 });
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { Allow: "GET" } });
    return new Response("no", { status: 405 });
  };
  const common = { keys: ["first", UPLOAD_KEY], receive, allowOrigin: () => "*", counters, log };
  return Object.assign(site, { handler: withUploads(routes, { ...common, ...options }) });
}

function post(body: Uint8Array | ReadableStream | string, path = "/upload-propagate"): Request {
  const headers = { "content-type": FORM_TYPE };
  return new Request(`http://mir${path}`, { method: "POST", headers, body });
}

function metaForm(meta: unknown): Uint8Array {
  const content = typeof meta === "string" ? meta : JSON.stringify(meta);
  return formOf([
    { name: "meta", content },
    { name: "afile", content: PICTURE, filename: "a" },
  ]);
}

async function errorOf(answer: Response | Promise<Response>): Promise<Record<string, unknown>> {
  const found = await answer;
  const { error } = (await found.json()) as { error: Record<string, unknown> };
  return { status: found.status, connection: found.headers.get("connection"), ...error };
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const end of open.splice(0)) end();
});

/** A form whose rest comes when `end` is called. */
function unfinished(meta: unknown): ReadableStream<Uint8Array> {
  const form = metaForm(meta);
  const rest = Promise.withResolvers<void>();
  open.push(rest.resolve);
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(form.slice(0, 5000));
      await rest.promise;
      controller.enqueue(form.slice(5000));
      controller.close();
    },
  });
}

describe("an upload", () => {
  test("is answered with what became of it: 201 when it is new, 200 when it was there", async () => {
    const site = siteOf();
    const created = await site.handler(post(formOf(uploadForm(PICTURE, {}))));
    expect(created.status).toBe(201);
    expect(created.headers.get("cache-control")).toBe("no-store");
    expect(created.headers.get("access-control-allow-origin")).toBe("*");
    expect(await created.json()).toEqual({
      contentId: "abcdef",
      relname: "ab/cd/ef/orig/abcdef.jpg",
      bytes: PICTURE.length,
      digest: "d".repeat(64),
      propagated: "queued",
    });
    const again = await site.handler(post(formOf(uploadForm(PICTURE, { webId: "known" }))));
    expect([again.status, await again.json()]).toMatchObject([200, { propagated: "done" }]);
    expect(site.received.every((bytes) => bytes.equals(PICTURE))).toBe(true);
    expect(site.disposed).toBe(2);
  });

  test("may bring any of the keys, and all its fields reach the mesh", async () => {
    const site = siteOf();
    const wish = {
      relname: "ab/cd/ef/orig/abcdef.jpg",
      contentId: "abcdef",
      webId: "my.photo",
      digest: "AB".repeat(32),
    };
    const answer = await site.handler(post(metaForm({ key: "first", ...wish })));
    expect(answer.status).toBe(201);
    expect(site.wishes).toEqual([{ ...wish, digest: "ab".repeat(32) }]);
  });

  test("what the mesh refuses is told with its code, and the connection closes", async () => {
    for (const [code, status] of [
      ["conflict", 409],
      ["bad_digest", 400],
      ["upload_too_large", 413],
      ["undecodable", 422],
      ["wrong_ext", 422],
      ["heic_unsupported", 422],
      ["disk_full", 507],
      ["overloaded", 503],
      ["no_store", 503],
      ["internal", 500],
    ] as const) {
      const refuse = () => Promise.reject(new Fault(code, "because"));
      const site = siteOf({}, refuse);
      const answer = site.handler(post(formOf(uploadForm(PICTURE, {}))));
      expect(await errorOf(answer)).toMatchObject({ status, code, connection: "close" });
      expect(site.disposed).toBe(1);
    }
  });
});

describe("a key", () => {
  test.each([
    ["wrong", { key: "guess" }],
    ["almost right", { key: `${UPLOAD_KEY}x` }],
    ["missing", {}],
    ["empty", { key: "" }],
    ["no text", { key: 7 }],
    ["a list of all of them", { key: ["first", UPLOAD_KEY] }],
  ])("that is %s: 401, and nothing of the file is taken", async (_, meta) => {
    const site = siteOf(NO_WAIT);
    const refused = await errorOf(site.handler(post(metaForm(meta))));
    expect(refused).toMatchObject({ status: 401, code: "bad_upload_key", connection: "close" });
    expect(site.wishes).toEqual([]);
  });

  test.each(["{key", "null", ""])(
    "in a meta that is no JSON object (%p): 400 at once, whatever it says",
    async (meta) => {
      const site = siteOf({ refusedMs: 2 ** 30 });
      const refused = await errorOf(site.handler(post(metaForm(meta))));
      expect(refused).toMatchObject({ status: 400, code: "bad_request", connection: "close" });
      expect(refused["message"]).toBe("meta must be a JSON object");
      expect(site.wishes).toEqual([]);
    },
  );

  test("that is wrong is told before any other mistake of the form", async () => {
    const site = siteOf(NO_WAIT);
    const refused = await errorOf(site.handler(post(metaForm({ key: "x", digest: 1, more: 1 }))));
    expect(refused).toMatchObject({ status: 401 });
  });

  test("of a node that has none: 401 at once, and the hint says so", async () => {
    const site = siteOf({ keys: [], refusedMs: 1e9 });
    const refused = await errorOf(site.handler(post(metaForm({ key: "" }))));
    expect(refused).toMatchObject({ status: 401, code: "bad_upload_key" });
    expect(refused["message"]).toContain("no upload keys");
  });

  test("that is wrong waits, but only so many at a time", async () => {
    const site = siteOf({ refusedMs: 2 ** 30 });
    let answered = 0;
    const attempts = LIMITS.uploadRefusalsMax + 5;
    for (let i = 0; i < attempts; i++) {
      void Promise.resolve(site.handler(post(metaForm({ key: "x" })))).then(() => answered++);
    }
    await until(() => answered === 5, "those beyond the bound are answered");
    expect(answered).toBe(attempts - LIMITS.uploadRefusalsMax);
  });
});

describe("meta", () => {
  test.each([
    [{ contentId: "short" }, /contentId must be 6 to 96/],
    [{ contentId: "../../etc/passwd" }, /contentId/],
    [{ contentId: 7 }, /contentId/],
    [{ webId: "a/b" }, /webId must be/],
    [{ webId: ".." }, /webId/],
    [{ digest: "abc" }, /digest must be the SHA-256/],
    [{ relname: 1 }, /relname must be/],
    [{ colour: "red" }, /a field "colour"/],
  ])("with %j is 400 and names the field", async (fields, why) => {
    const site = siteOf();
    const refused = await errorOf(site.handler(post(metaForm({ key: UPLOAD_KEY, ...fields }))));
    expect(refused).toMatchObject({ status: 400, code: "bad_request", connection: "close" });
    expect(refused["message"]).toMatch(why);
    expect(site.wishes).toEqual([]);
  });
});

describe("bounds", () => {
  test("uploads under way, and requests without a key", async () => {
    const site = siteOf();
    for (let i = 0; i < LIMITS.uploadsMax; i++) {
      void site.handler(post(unfinished({ key: UPLOAD_KEY })));
    }
    await until(() => site.wishes.length === LIMITS.uploadsMax, "all admitted");
    const refused = await errorOf(site.handler(post(metaForm({ key: UPLOAD_KEY }))));
    expect(refused).toMatchObject({ status: 503, code: "overloaded" });
    for (let i = 0; i < LIMITS.uploadsUnprovenMax; i++) {
      const rest = Promise.withResolvers<void>();
      open.push(rest.resolve);
      const stream = new ReadableStream({ start: () => rest.promise });
      void site.handler(post(stream));
    }
    const crowded = await errorOf(site.handler(post(metaForm({ key: UPLOAD_KEY }))));
    expect(crowded).toMatchObject({ status: 503, code: "overloaded" });
    for (const end of open.splice(0)) end();
    await until(() => site.disposed === LIMITS.uploadsMax, "all given up");
  });
});

describe("other requests", () => {
  test("for the route are 405, and bodies for other routes are not read", async () => {
    const site = siteOf();
    const get = await site.handler(new Request("http://mir/upload-propagate?a=1"));
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    const put = await site.handler(
      new Request("http://mir/upload-propagate", { method: "PUT", body: "x" }),
    );
    const { headers } = put;
    expect([put.status, headers.get("allow"), headers.get("connection")]).toEqual([
      ...[405, "POST, OPTIONS"],
      "close",
    ]);
    const elsewhere = await site.handler(post("x", "/puddle/a/md/a.jpg"));
    expect([elsewhere.status, elsewhere.headers.get("connection")]).toEqual([405, "close"]);
    const picture = await site.handler(new Request("http://mir/puddle/a/md/a.jpg"));
    expect([picture.status, picture.headers.get("connection")]).toEqual([404, null]);
  });

  test("OPTIONS tells a page of another site that it may POST here", async () => {
    const site = siteOf();
    const options = { method: "OPTIONS" };
    const { status, headers } = await site.handler(
      new Request("http://mir/upload-propagate", options),
    );
    const told = ["allow", "access-control-allow-methods", "access-control-allow-origin"];
    expect([status, ...told.map((name) => headers.get(name))]).toEqual([
      204,
      "POST, OPTIONS",
      "POST, OPTIONS",
      "*",
    ]);
    const picture = await site.handler(new Request("http://mir/puddle/a/md/a.jpg", options));
    expect(picture.headers.get("allow")).toBe("GET");
  });
});
