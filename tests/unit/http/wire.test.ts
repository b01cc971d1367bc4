/** What is on the wire: lengths, ranges, resets, and what Bun's own parser answers. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import type { Served } from "../../../src/content/served.ts";
import type { Handler } from "../../../src/http/image.ts";
import { type RunningListener, startPublicListener } from "../../../src/http/public-listener.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  bodyOf,
  HIT,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  type PictureSite,
  patternOf,
  type WatchedBody,
} from "../../support/picture-site.ts";
import { getRequest, type RawAnswer, rawExchange } from "../../support/raw-client.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const MiB = 1024 * 1024;
const SMALL = patternOf(1000);
const LARGE = patternOf(3 * MiB + 17);
const CHUNK = patternOf(64 * 1024);

const dir = makeTempDir();
const smallPath = dir.write("small.jpg", SMALL);
const largePath = dir.write("large.jpg", LARGE);
const small: Served = { kind: "file", meta: metaOf(1000), outcome: HIT, path: smallPath };
const large: Served = { kind: "file", meta: metaOf(LARGE.length), outcome: HIT, path: largePath };
const bytes: Served = { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes: SMALL };

let content: () => Served;
let site: PictureSite;
let listener: RunningListener;
beforeAll(async () => {
  site = makePictureSite(() => content());
  listener = await listen(site.handler);
});
afterAll(async () => {
  await listener.stop(false);
  dir[Symbol.dispose]();
});

function listen(handler: Handler): Promise<RunningListener> {
  return startPublicListener({
    listener: { type: "net", host: "127.0.0.1", port: 1 },
    index: 0,
    port: 0,
    handler,
    log: silentLog,
  });
}

interface Parsed {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

function parsed(answer: RawAnswer): Parsed {
  const end = answer.bytes.indexOf("\r\n\r\n");
  const [first = "", ...headers] = answer.bytes.subarray(0, end).toString("latin1").split("\r\n");
  const lower = headers.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return {
    status: Number(first.split(" ")[1]),
    headers: lower,
    body: answer.bytes.subarray(end + 4),
  };
}

const port = (): number => listener.port ?? 0;
const exchange = (request: string | Uint8Array) => rawExchange({ port: port(), request });

async function get(served: Served, headers: Record<string, string> = {}): Promise<Parsed> {
  content = () => served;
  return parsed(await exchange(getRequest(PICTURE_PATH, headers)));
}

/** Values of all lines of that name. */
function valuesOf({ headers }: Parsed, name: string): string[] {
  return headers
    .filter((line) => line.startsWith(`${name}: `))
    .map((l) => l.slice(name.length + 2));
}

function streamed(body: WatchedBody, length: number): Served {
  return { kind: "stream", meta: metaOf(length), outcome: { ...HIT, source: "peer" }, body };
}

describe("a whole body", () => {
  for (const [what, served, whole] of [
    ["of a small file", small, SMALL],
    ["of a large file", large, LARGE],
    ["of bytes", bytes, SMALL],
  ] as const) {
    test(`${what} goes with one Content-Length, a date, and not chunked`, async () => {
      const answer = await get(served);
      expect(answer.status).toBe(200);
      expect(valuesOf(answer, "content-length")).toEqual([String(whole.length)]);
      expect(valuesOf(answer, "transfer-encoding")).toEqual([]);
      expect(valuesOf(answer, "accept-ranges")).toEqual(["bytes"]);
      expect(valuesOf(answer, "content-disposition")).toEqual([]);
      expect(valuesOf(answer, "date")).toHaveLength(1);
      expect(answer.body.equals(whole)).toBe(true);
    });

    test(`${what} goes in part with exactly the part`, async () => {
      const last = whole.length - 1;
      for (const [range, start, end] of [
        ["bytes=0-0", 0, 0],
        [`bytes=7-${last - 3}`, 7, last - 3],
        ["bytes=500-", 500, last],
        ["bytes=-3", last - 2, last],
        ["bytes=900-99999999999", 900, last],
      ] as const) {
        const answer = await get(served, { Range: range });
        expect([range, answer.status]).toEqual([range, 206]);
        expect(valuesOf(answer, "content-range")).toEqual([
          `bytes ${start}-${end}/${whole.length}`,
        ]);
        expect(valuesOf(answer, "content-length")).toEqual([String(end - start + 1)]);
        expect(valuesOf(answer, "accept-ranges")).toEqual(["bytes"]);
        expect(answer.body.equals(whole.subarray(start, end + 1))).toBe(true);
      }
    });

    test(`${what} goes whole where the range is none of ours, and Bun applies none of its own`, async () => {
      for (const headers of [
        { Range: "bytes=0-4", "If-Range": '"other"' },
        { Range: "bytes=0-4", "If-Range": 'W/"0123456789abcdef-rs"' },
        { Range: "bytes=0-4", "If-Range": "x" },
        { Range: "bytes=0-4,9-12" },
        { Range: "bytes= 0-4" },
        { Range: "bytes=0 -4" },
        { Range: "bytes=5-2" },
      ]) {
        const answer = await get(served, headers);
        expect([headers.Range, answer.status]).toEqual([headers.Range, 200]);
        expect(valuesOf(answer, "content-range")).toEqual([]);
        expect(dechunked(answer).equals(whole)).toBe(true);
      }
    });

    test(`${what} has no bytes past its end: 416`, async () => {
      for (const range of [`bytes=${whole.length}-`, "bytes=-0"]) {
        const answer = await get(served, { Range: range });
        expect([range, answer.status]).toEqual([range, 416]);
        expect(valuesOf(answer, "content-range")).toEqual([`bytes */${whole.length}`]);
        expect(valuesOf(answer, "content-length")).toEqual([String(answer.body.length)]);
      }
    });

    test(`${what} on HEAD is a head with the same length, ranges or not`, async () => {
      content = () => served;
      for (const headers of ["", "Range: bytes=0-4\r\n"]) {
        const request = `HEAD ${PICTURE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;
        const answer = parsed(await exchange(request));
        expect([answer.status, answer.body.length]).toEqual([200, 0]);
        expect(valuesOf(answer, "content-length")).toEqual([String(whole.length)]);
        expect(valuesOf(answer, "content-type")).toEqual(["image/jpeg"]);
        expect(valuesOf(answer, "date")).toHaveLength(1);
      }
    });
  }

  test("not modified is 304 without a body or a length", async () => {
    const answer = await get(large, { "If-None-Match": "*" });
    expect([answer.status, answer.body.length]).toEqual([304, 0]);
    expect(valuesOf(answer, "content-length")).toEqual([]);
  });

  test("goes to HTTP/1.0 with its length", async () => {
    content = () => large;
    const answer = parsed(await exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\n\r\n`));
    expect(valuesOf(answer, "content-length")).toEqual([String(LARGE.length)]);
    expect(answer.body.equals(LARGE)).toBe(true);
  });
});

describe("a body that is still coming", () => {
  const chunks = Array.from({ length: 40 }, () => CHUNK);
  const length = chunks.length * CHUNK.length;

  test("goes chunked, with a last chunk when it is complete", async () => {
    content = () => streamed(bodyOf(chunks), length);
    const answer = await exchange(getRequest(PICTURE_PATH, { Range: "bytes=0-4" }));
    expect([answer.end, answer.terminated]).toEqual(["closed", true]);
    const { status, body } = { ...parsed(answer), body: dechunked(parsed(answer)) };
    expect(valuesOf(parsed(answer), "transfer-encoding")).toEqual(["chunked"]);
    expect([status, body.equals(Buffer.concat(chunks))]).toEqual([200, true]);
  });

  test("may reuse its buffer", async () => {
    const buffer = new Uint8Array(CHUNK.length);
    let turn = 0;
    const body = { read: async () => (turn < 40 ? buffer.fill(turn++) : undefined), cancel() {} };
    content = () => ({ ...streamed(bodyOf([]), length), kind: "stream", body }) as Served;
    const whole = dechunked(parsed(await exchange(getRequest(PICTURE_PATH))));
    for (let at = 0; at < 40; at++) {
      const part = whole.subarray(at * CHUNK.length, (at + 1) * CHUNK.length);
      expect(part.equals(Buffer.alloc(CHUNK.length, at))).toBe(true);
    }
  });

  for (const [what, body, promised] of [
    ["that breaks off", () => bodyOf(chunks.slice(0, 5), new Fault("peer_failed", "x")), length],
    ["that ends short", () => bodyOf(chunks.slice(0, 5)), length],
    ["that is longer than announced", () => bodyOf(chunks), length - 1],
  ] as const) {
    test(`${what} resets the connection: no terminating chunk`, async () => {
      const watched = body();
      content = () => streamed(watched, promised);
      const before = site.count("body_cut");
      const answer = await exchange(getRequest(PICTURE_PATH));
      expect([answer.end, answer.terminated]).toEqual(["reset", false]);
      expect(parsed(answer).status).toBe(200);
      expect([watched.cancelled, site.count("body_cut")]).toEqual([true, before + 1]);
    });
  }

  test("that breaks off resets HTTP/1.0 too, for which the close would be the end", async () => {
    content = () => streamed(bodyOf(chunks.slice(0, 5), new Fault("peer_failed", "x")), length);
    const answer = await exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    expect(answer.end).toBe("reset");
    expect(valuesOf(parsed(answer), "transfer-encoding")).toEqual([]);
  });

  test("goes to HTTP/1.0 unchunked, and whole up to the close", async () => {
    content = () => streamed(bodyOf(chunks), length);
    const answer = await exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    expect(answer.end).toBe("closed");
    expect(parsed(answer).body.equals(Buffer.concat(chunks))).toBe(true);
  });

  test("that fails before its first byte is 502", async () => {
    content = () => streamed(bodyOf([], new Fault("peer_failed", "x")), length);
    expect(parsed(await exchange(getRequest(PICTURE_PATH))).status).toBe(502);
  });

  test("waits for a client that does not read, and is given back when it goes", async () => {
    let reads = 0;
    let cancelled = false;
    const body: WatchedBody = {
      async read() {
        reads++;
        return cancelled ? undefined : CHUNK;
      },
      cancel: () => {
        cancelled = true;
      },
      cancelled,
      reads,
    };
    content = () => streamed(body, 2 ** 40);
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: port(),
      socket: { data() {} },
    });
    socket.pause();
    socket.write(getRequest(PICTURE_PATH));
    // it stands still once every buffer on the way is full
    let seen = -1;
    let still = 0;
    await until(() => {
      still = reads > 0 && reads === seen ? still + 1 : 0;
      seen = reads;
      return still > 500;
    });
    expect(reads * CHUNK.length).toBeLessThan(64 * MiB);
    socket.terminate();
    await until(() => cancelled);
  });
});

describe("a client that goes while its answer is made", () => {
  test("leaves no body behind", async () => {
    const first = Promise.withResolvers<Uint8Array>();
    const reading = Promise.withResolvers<void>();
    const noticed = Promise.withResolvers<void>();
    let cancelled = false;
    const body = {
      read() {
        reading.resolve();
        return first.promise;
      },
      cancel: () => {
        cancelled = true;
      },
    };
    const slow = makePictureSite(() => ({ ...streamed(bodyOf([]), 2 ** 40), body }) as Served);
    const own = await listen((request, server) => {
      request.signal.addEventListener("abort", () => noticed.resolve());
      return slow.handler(request, server);
    });
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: own.port ?? 0,
      socket: { data() {} },
    });
    socket.write(getRequest(PICTURE_PATH));
    await reading.promise;
    socket.terminate();
    await noticed.promise;
    expect(cancelled).toBe(false);
    first.resolve(CHUNK);
    await until(() => cancelled);
    expect(slow.count("body_cut")).toBe(0);
    await own.stop(false);
  });
});

describe("a target on the wire", () => {
  async function status(target: string | Uint8Array): Promise<number> {
    content = () => small;
    const head = Buffer.concat([
      Buffer.from("GET "),
      Buffer.from(target),
      Buffer.from(" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ]);
    return parsed(await exchange(head)).status;
  }

  test("is refused where it is bad", async () => {
    for (const [target, expected] of [
      ["/puddle/a%00b/md/p.jpg", 400],
      ["/puddle/viral123/md/p%00.jpg", 400],
      ["/puddle/%ff/md/p.jpg", 400],
      ["/puddle/viral123/nosuch/p.jpg", 400],
      ["/puddle/viral123/0x0/p.jpg", 400],
      ["/puddle/viral123/md/p.exe", 400],
      ["/elsewhere", 404],
      ["/", 404],
    ] as const) {
      expect([target, await status(target)]).toEqual([target, expected]);
    }
  });

  test("with dots for segments is what Bun makes of it, and never a file", async () => {
    for (const target of [
      "/puddle/../../etc/passwd",
      "/puddle/%2e%2e/%2e%2e/etc/passwd",
      "/../p",
    ]) {
      expect([target, await status(target)]).toEqual([target, 404]);
    }
    expect(await status("/puddle/viral123/md/..%2f..%2fpasswd.jpg")).toBe(400);
    expect(await status("/x/../puddle/viral123/md/p.jpg")).toBe(200);
  });

  test("with raw bytes that are no UTF-8 is refused", async () => {
    expect(await status(Buffer.from("/puddle/viral123/md/\xff.jpg", "latin1"))).toBe(400);
    expect(await status(Buffer.from("/puddle/\xc3\x28/md/p.jpg", "latin1"))).toBe(400);
  });

  test("with a raw NUL, or longer than a head may be, is refused by Bun itself", async () => {
    expect(await status("/puddle/a\0b/md/p.jpg")).toBe(505);
    expect(await status(`/puddle/${"a".repeat(17 * 1024)}/md/p.jpg`)).toBe(431);
  });

  test("longer than we look at is refused by us", async () => {
    expect(await status(`/puddle/viral123/md/${"a".repeat(2048)}.jpg`)).toBe(400);
  });

  test("is found with an odd Host, or none", async () => {
    content = () => small;
    for (const host of ["Host: \r\n", "Host: a/b\r\n", 'Host: "\r\n', "Host: [::1]:80\r\n"]) {
      const request = `GET ${PICTURE_PATH} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
      expect([host, parsed(await exchange(request)).status]).toEqual([host, 200]);
    }
    expect(parsed(await exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\n\r\n`)).status).toBe(200);
    const absolute = `GET http://other${PICTURE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect(parsed(await exchange(absolute)).status).toBe(200);
  });
});

/** The body, with the framing of chunks taken off where it has one. */
function dechunked(answer: Parsed): Buffer {
  if (valuesOf(answer, "transfer-encoding").length === 0) return answer.body;
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = answer.body.indexOf("\r\n", at);
    const size = Number.parseInt(answer.body.subarray(at, line).toString("latin1"), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(answer.body.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
