/** Uploads at their limits: memory, sizes, slow and broken clients, listeners and meshes that take none. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { residentBytes } from "../support/memory.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { rawExchange, statusOf } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { FORM_TYPE, formOf, sha256Of, UPLOAD_KEY, upload, uploadForm } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

const MIB = 2 ** 20;
const GROWTH_MAX = 64 * MIB;
const EDGES = ["edge-1", "edge-2"];
const env = { MIR_UPLOAD_KEYS: UPLOAD_KEY };

let store: string;
let mesh: Mesh;
let small: Uint8Array;

beforeAll(async () => {
  small = await drawJpeg({ width: 400, height: 300 });
  store = mkdtempSync(join(tmpdir(), "mir-store-"));
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: store },
    env,
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(store, { recursive: true, force: true });
});

function tempsOf(name: string): string[] {
  return readdirSync(join(mesh.node(name).cacheDir, ".mir/tmp"));
}

/** A picture with so many bytes, each of them another one. */
function largePicture(bytes: number, n: number): Uint8Array {
  const picture = Buffer.alloc(bytes, `large picture ${n} `);
  picture.set(small);
  return picture;
}

/** The head of an upload's request, and the bytes of its form. */
function rawUpload(
  form: Uint8Array,
  more = "",
): { readonly head: Buffer; readonly form: Uint8Array } {
  const lines = [
    "POST /upload-propagate HTTP/1.1",
    "Host: mir",
    `Content-Type: ${FORM_TYPE}`,
    `Content-Length: ${form.length}`,
  ];
  return { head: Buffer.from(`${lines.join("\r\n")}\r\n${more}\r\n`), form };
}

describe("large pictures", () => {
  test("200 MB of uploads pass edge, owner and regional while none of them grows by 64 MB", async () => {
    const names = [...EDGES, "regional-1"];
    const before = names.map((name) => residentBytes(mesh.node(name).pid));
    const peak = [...before];
    const look = (): void => {
      names.forEach((name, i) => {
        peak[i] = Math.max(peak[i] ?? 0, residentBytes(mesh.node(name).pid));
      });
    };
    const watch = setInterval(look, 5);
    try {
      for (let n = 0; n < 5; n += 1) {
        const picture = largePicture(40 * MIB, n);
        const done = await upload(mesh.node(EDGES[n % 2] ?? "").url, picture);
        expect(done).toMatchObject({ status: 201, digest: sha256Of(picture) });
        const stored = join(store, done.relname ?? "");
        await until(() => existsSync(stored), "in the store");
        expect(statSync(stored).size).toBe(picture.length);
      }
    } finally {
      clearInterval(watch);
    }
    names.forEach((name, i) => {
      const grown = (peak[i] ?? 0) - (before[i] ?? 0);
      expect({ name, ok: grown < GROWTH_MAX, grown: Math.round(grown / MIB) }).toMatchObject({
        ok: true,
      });
    });
  }, 120_000);

  test("one beyond the limit is 413 while it streams, and nothing of it is left", async () => {
    const refused = await upload(mesh.node("edge-1").url, largePicture(51 * MIB, 9));
    expect(refused).toMatchObject({ status: 413, error: { code: "upload_too_large" } });
    expect(tempsOf("edge-1")).toEqual([]);
  }, 30_000);
});

describe("what is no picture", () => {
  test.each([
    ["text", Buffer.from("just some text"), 422, "undecodable"],
    ["a picture cut in its header", (all: Uint8Array) => all.slice(0, 100), 422, "undecodable"],
    [
      "a picture cut in the middle",
      (all: Uint8Array) => all.slice(0, all.length >> 1),
      422,
      "undecodable",
    ],
    ["an SVG", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), 422, "unsupported_image"],
    ["nothing", Buffer.of(), 400, "bad_request"],
  ])("%s is refused", async (_, content, status, code) => {
    const bytes = typeof content === "function" ? content(small) : content;
    expect(await upload(mesh.node("edge-1").url, bytes)).toMatchObject({ status, error: { code } });
  });

  test("nor is one that is not what its relname or digest says", async () => {
    const { url } = mesh.node("edge-2");
    const relname = "wr/on/ge/orig/wrongext.png";
    expect(await upload(url, small, { relname })).toMatchObject({
      status: 422,
      error: { code: "wrong_ext" },
    });
    expect(await upload(url, small, { digest: "0".repeat(64) })).toMatchObject({
      status: 400,
      error: { code: "bad_digest" },
    });
    for (const wrong of [
      { relname: "wr/on/gs/md/wrongsize.jpg" },
      { relname: "../../etc/passwd" },
      { relname: "ab/cd/ef/orig/abcdef.jpg", contentId: "abcdeg" },
    ]) {
      expect(await upload(url, small, wrong)).toMatchObject({ status: 400 });
    }
    expect([...tempsOf("edge-1"), ...tempsOf("edge-2")]).toEqual([]);
  });
});

describe("clients", () => {
  test("that break off in the middle of the file leave nothing behind", async () => {
    const form = formOf(uploadForm(largePicture(20 * MIB, 20), {}));
    const { head } = rawUpload(form);
    const { port } = mesh.node("edge-1");
    const opened = Promise.withResolvers<{ terminate(): void }>();
    await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          socket.write(Buffer.concat([head, form.subarray(0, 300_000)]));
          opened.resolve(socket);
        },
        data() {},
      },
    });
    const socket = await opened.promise;
    await until(() => tempsOf("edge-1").length === 1, "a temporary file");
    socket.terminate();
    await until(() => tempsOf("edge-1").length === 0, "it is gone");
  });

  test("with a wrong key are told after the wait, while much of their file is on its way", async () => {
    const form = formOf([
      { name: "meta", content: JSON.stringify({ key: "guess" }) },
      { name: "afile", content: largePicture(20 * MIB, 21), filename: "a" },
    ]);
    const { pid, port } = mesh.node("edge-1");
    const before = residentBytes(pid);
    const started = performance.now();
    const { head } = rawUpload(form);
    const answer = await rawExchange({
      port,
      request: Buffer.concat([head, form.subarray(0, 8 * MIB)]),
    });
    expect(statusOf(answer)).toBe(401);
    expect(answer.bytes.toString()).toContain('"code":"bad_upload_key"');
    expect(performance.now() - started).toBeGreaterThan(2900);
    expect(residentBytes(pid) - before).toBeLessThan(GROWTH_MAX);
    expect(tempsOf("edge-1")).toEqual([]);
  }, 20_000);

  test("that send in tiny pieces are served all the same", async () => {
    const { head, form } = rawUpload(formOf(uploadForm(small, {})), "Connection: close\r\n");
    const all = Buffer.concat([head, form]);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      let at = 0;
      void Bun.connect({
        hostname: "127.0.0.1",
        port: mesh.node("edge-2").port,
        socket: {
          open(socket) {
            const step = (): void => {
              if (at >= all.length) return;
              at += Math.max(0, socket.write(all.subarray(at, at + 97)));
              setImmediate(step);
            };
            step();
          },
          data(_, bytes) {
            text += bytes.toString();
          },
          close: () => resolve(text),
          error: (_, error) => reject(error),
        },
      });
    });
    expect(answer).toMatch(/^HTTP\/1.1 201/);
  });

  test("of other routes cannot make the node read a body", async () => {
    const { port } = mesh.node("edge-1");
    const request =
      "POST /puddle/a/md/a.jpg HTTP/1.1\r\nHost: mir\r\nContent-Length: 5000000000\r\n\r\n";
    const answer = await rawExchange({ port, request });
    expect([statusOf(answer), answer.end]).toEqual([405, "closed"]);
    const get = await mesh.get("edge-1", "/upload-propagate");
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
  });
});

describe("uploads are refused", () => {
  const alone = (options: Partial<Parameters<typeof startMesh>[0]>): Promise<Mesh> =>
    startMesh({ edges: ["edge-1"], env, origin: { origin_dir: store }, ...options });

  test("by a node without keys, by a mesh without an origin, by a listener that says so", async () => {
    await using keyless = await alone({ env: { MIR_UPLOAD_KEYS: "" } });
    expect(await upload(keyless.node("edge-1").url, small)).toMatchObject({ status: 401 });
    const { origin: _, ...none } = { edges: ["edge-1"], env, origin: undefined };
    await using lost = await startMesh(none);
    expect(await upload(lost.node("edge-1").url, small)).toMatchObject({
      status: 503,
      error: { code: "no_store" },
    });
    const listener = { type: "net", host: "127.0.0.1", port: 0, upload: false };
    await using closed = await alone({ server: { public: [listener] } });
    expect(await upload(closed.node("edge-1").url, small)).toMatchObject({ status: 405 });
  }, 30_000);

  test("with 507 where there is no room, with 503 where half of it waits for the store", async () => {
    const gone = { origin_dir: join(store, "file-in-the-way/store") };
    await Bun.write(join(store, "file-in-the-way"), "no folder");
    await using full = await alone({ origin: gone, server: { capacity: "8MiB" } });
    const { url } = full.node("edge-1");
    expect(await upload(url, largePicture(9 * MIB, 30))).toMatchObject({
      status: 507,
      error: { code: "disk_full" },
    });
    expect((await upload(url, largePicture(3 * MIB, 31))).status).toBe(201);
    expect(await upload(url, largePicture(3 * MIB, 32))).toMatchObject({
      status: 503,
      error: { code: "overloaded" },
    });
    // what has been acknowledged stays, whatever else is wanted
    expect(await full.status("edge-1")).toMatchObject({ outbox: { pending: 1, aside: 0 } });
  }, 30_000);

  test("with 413 beyond a limit that the topology has lowered", async () => {
    await using low = await alone({ tables: { limits: { source_bytes: "100KB" } } });
    const { url } = low.node("edge-1");
    expect((await upload(url, largePicture(100_000, 40))).status).toBe(201);
    expect((await upload(url, largePicture(100_001, 41))).status).toBe(413);
  }, 30_000);
});
