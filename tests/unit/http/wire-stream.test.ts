/** Bodies that are still coming, on the wire: complete, or reset. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { HIT, type Served } from "../../../src/content/served.ts";
import {
  bodyOf,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  patternOf,
  type WatchedBody,
} from "../../support/picture-site.ts";
import { getRequest } from "../../support/raw-client.ts";
import { until } from "../../support/until.ts";
import {
  dechunked,
  listenOnLoopback,
  parsed,
  startWireSite,
  valuesOf,
  type WireSite,
} from "../../support/wire.ts";

const CHUNK = patternOf(64 * 1024);

function streamed(body: WatchedBody, length: number): Served {
  return { kind: "stream", meta: metaOf(length), outcome: { ...HIT, source: "peer" }, body };
}

let site: WireSite;
beforeAll(async () => {
  site = await startWireSite();
});
afterAll(() => site.stop());

describe("a body that is still coming", () => {
  const chunks = Array.from({ length: 40 }, () => CHUNK);
  const length = chunks.length * CHUNK.length;

  test("goes chunked, with a last chunk when it is complete", async () => {
    site.serve(streamed(bodyOf(chunks), length));
    const answer = await site.exchange(getRequest(PICTURE_PATH, { Range: "bytes=0-4" }));
    expect([answer.end, answer.terminated]).toEqual(["closed", true]);
    const { status, body } = { ...parsed(answer), body: dechunked(parsed(answer)) };
    expect(valuesOf(parsed(answer), "transfer-encoding")).toEqual(["chunked"]);
    expect([status, body.equals(Buffer.concat(chunks))]).toEqual([200, true]);
  });

  test("may reuse its buffer", async () => {
    const buffer = new Uint8Array(CHUNK.length);
    let turn = 0;
    const body = { read: async () => (turn < 40 ? buffer.fill(turn++) : undefined), cancel() {} };
    site.serve({ ...streamed(bodyOf([]), length), kind: "stream", body } as Served);
    const whole = dechunked(parsed(await site.exchange(getRequest(PICTURE_PATH))));
    for (let at = 0; at < 40; at++) {
      const part = whole.subarray(at * CHUNK.length, (at + 1) * CHUNK.length);
      expect(part.equals(Buffer.alloc(CHUNK.length, at))).toBe(true);
    }
  });

  for (const [what, body, promised, reads] of [
    ["that breaks off", () => bodyOf(chunks.slice(0, 5), new Fault("peer_failed", "x")), length, 6],
    ["that ends short", () => bodyOf(chunks.slice(0, 5)), length, 6],
    ["that is longer than announced", () => bodyOf(chunks), CHUNK.length * 3 - 1, 3],
  ] as const) {
    test(`${what} resets the connection: no terminating chunk`, async () => {
      const watched = body();
      site.serve(streamed(watched, promised));
      const before = site.count("body_cut");
      const answer = await site.exchange(getRequest(PICTURE_PATH));
      expect([answer.end, answer.terminated]).toEqual(["reset", false]);
      expect(parsed(answer).status).toBe(200);
      expect([watched.cancelled, site.count("body_cut")]).toEqual([true, before + 1]);
      expect(watched.reads).toBe(reads);
    });
  }

  test("that breaks off resets HTTP/1.0 too, for which the close would be the end", async () => {
    site.serve(streamed(bodyOf(chunks.slice(0, 5), new Fault("peer_failed", "x")), length));
    const answer = await site.exchange(
      `GET ${PICTURE_PATH} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
    );
    expect(answer.end).toBe("reset");
    expect(valuesOf(parsed(answer), "transfer-encoding")).toEqual([]);
  });

  test("goes to HTTP/1.0 unchunked, and whole up to the close", async () => {
    site.serve(streamed(bodyOf(chunks), length));
    const answer = await site.exchange(
      `GET ${PICTURE_PATH} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
    );
    expect(answer.end).toBe("closed");
    expect(parsed(answer).body.equals(Buffer.concat(chunks))).toBe(true);
  });

  test("that fails before its first byte is 502", async () => {
    site.serve(streamed(bodyOf([], new Fault("peer_failed", "x")), length));
    expect(parsed(await site.exchange(getRequest(PICTURE_PATH))).status).toBe(502);
  });

  test("waits for a client that does not read, and is given back when it goes", async () => {
    let reads = 0;
    let readsAfter = 0;
    let cancelled = false;
    const body = {
      async read() {
        if (cancelled) readsAfter++;
        reads++;
        return CHUNK;
      },
      cancel: () => {
        cancelled = true;
      },
    };
    site.serve({ ...streamed(bodyOf([]), 2 ** 40), body } as Served);
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: site.port,
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
    expect(reads * CHUNK.length).toBeLessThan(64 * 1024 * 1024);
    socket.terminate();
    await until(() => cancelled);
    await new Promise((resolve) => setImmediate(resolve));
    expect(readsAfter).toBe(0);
  });

  test("is not counted as cut where the client went while more was awaited", async () => {
    const more = Promise.withResolvers<Uint8Array>();
    let reads = 0;
    const body = {
      read: () => (reads++ === 0 ? Promise.resolve(CHUNK) : more.promise),
      cancel: () => more.reject(new Fault("peer_failed", "the reader gave up")),
    };
    const before = site.count("body_cut");
    site.serve({ ...streamed(bodyOf([]), 2 ** 40), body } as Served);
    const received = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: site.port,
      socket: { data: () => received.resolve() },
    });
    socket.write(getRequest(PICTURE_PATH));
    await received.promise;
    await until(() => reads === 2);
    socket.terminate();
    await more.promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(site.count("body_cut")).toBe(before);
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
    const own = await listenOnLoopback((request, server) => {
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
