/** Bad input: always a clear answer, nothing lost or leaked. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFiles } from "../support/memory.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { getRequest, rawExchange, statusOf } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

let photos: string;
let mesh: Mesh;
let control: number;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  await writePicture(photos, "river-01.jpg", { width: 900, height: 600 });
  mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos } });
  const { levels } = Bun.TOML.parse(await Bun.file(mesh.topologyFile).text()) as {
    levels: { servers: { private: { port: number }[] }[] }[];
  };
  control = levels[0]?.servers[0]?.private[0]?.port ?? 0;
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

/** Path, the status it must have, and whether our own handler gets to see it. */
const PATHS: readonly (readonly [string, number])[] = [
  ["/puddle/../../etc/passwd", 404],
  ["/puddle/..%2f..%2fetc%2fpasswd/md/a.jpg", 400],
  ["/puddle/%2e%2e/md/a.jpg", 404],
  ["/puddle/river-01%00/md/a.jpg", 400],
  ["/puddle/river-01/md/a%00.jpg", 400],
  [`/puddle/${"a".repeat(129)}/md/a.jpg`, 400],
  [`/puddle/${"a".repeat(4000)}/md/a.jpg`, 400],
  ["/puddle/%ff%fe/md/a.jpg", 400],
  ["/puddle/river-01/huge/a.jpg", 400],
  ["/puddle/river-01/md/a.tga", 400],
  ["/puddle/river-01/md/a", 400],
  ["/puddle/river-01/0x0/a.jpg", 400],
  ["/puddle/river-01/01x10/a.jpg", 400],
  ["/puddle/river-01/99999x99999/a.jpg", 400],
  ["/puddle/river-01/-1x5/a.jpg", 400],
  ["/puddle/river-01/md", 400],
  ["/puddle/river-01/md/a/b.jpg", 400],
  ["/lake/river-01/md/a.jpg", 404],
  ["/", 404],
];

describe("bad paths", () => {
  for (const [path, status] of PATHS) {
    test(`${path.slice(0, 60)} is ${status} with JSON`, async () => {
      const { port } = mesh.node("edge-1");
      const answer = await rawExchange({ port, request: getRequest(path) });
      expect(statusOf(answer)).toBe(status);
      const body = answer.bytes.toString("utf8").split("\r\n\r\n")[1] ?? "";
      const { error } = JSON.parse(body) as {
        error: { code: string; message: string; hint: string };
      };
      expect(Object.keys(error).sort()).toEqual(["code", "hint", "message"]);
      expect(body).not.toContain(mesh.dir);
    });
  }

  test("raw bytes that are no UTF-8, and heads beyond the parser's limit, are refused", async () => {
    const { port } = mesh.node("edge-1");
    const nonUtf8 = Buffer.concat([
      Buffer.from("GET /puddle/"),
      Buffer.of(0xff, 0xfe, 0x80),
      Buffer.from("/md/a.jpg HTTP/1.1\r\nHost: mir\r\nConnection: close\r\n\r\n"),
    ]);
    expect(statusOf(await rawExchange({ port, request: nonUtf8 }))).toBe(400);
    const long = getRequest(`/puddle/${"a".repeat(20_000)}/md/a.jpg`);
    expect([400, 414, 431]).toContain(statusOf(await rawExchange({ port, request: long })));
  });

  test("other methods are 405 and say which are allowed", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await mesh.get("edge-1", "/puddle/river-01/md/a.jpg", { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toContain("GET");
      await answer.json();
    }
  });
});

/** Bytes for the control port that no peer would send. */
const FRAMES: readonly (readonly [string, Uint8Array])[] = [
  ["a frame that claims a terabyte", Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x3d)],
  ["a request that claims a terabyte", Uint8Array.of(0xe8, 0xd4, 0xa5, 0x10, 0x00, 0x2b)],
  ["an unknown command", Uint8Array.of(0, 0, 0, 0, 1, 0x7a)],
  ["half a frame, then silence", Uint8Array.of(0, 0, 0)],
  ["an empty frame", Uint8Array.of(0, 0, 0, 0, 0)],
  ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["a path out of the cache", Buffer.from("\0\0\0\0\x0f+../../etc/passwd", "latin1")],
];

describe("bad frames", () => {
  for (const [name, bytes] of FRAMES) {
    test(`${name}: the connection is closed, the node lives on`, async () => {
      const answer = await rawExchange({ port: control, request: bytes });
      expect(answer.bytes.length).toBeLessThan(64);
      expect((await mesh.get("edge-1", "/puddle/river-01/xs/a.jpg")).status).toBe(200);
    }, 30_000);
  }

  test("no descriptor is left behind, and each closing has a reason in the log", async () => {
    const { pid, log } = mesh.node("edge-1");
    const before = openFiles(pid);
    for (const [, bytes] of FRAMES.filter(([name]) => !name.startsWith("half"))) {
      await rawExchange({ port: control, request: bytes });
    }
    await until(() => openFiles(pid) <= before, "descriptors closed");
    expect(log()).toMatch(/reason/);
    expect(await mesh.counter("edge-1", "peer_refused")).toBeGreaterThan(0);
    // five bytes of a head are waited for until the time of a hello is up
  }, 30_000);
});
