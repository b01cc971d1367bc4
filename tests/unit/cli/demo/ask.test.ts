/** One visitor of the demo: what it asks for by chance, how it reads an answer. */

import { describe, expect, test } from "bun:test";
import { ask } from "../../../../src/cli/demo/ask.ts";
import { makeRandom, makeZipf, pick } from "../../../../src/cli/demo/random.ts";

const { signal } = new AbortController();

describe("chance", () => {
  test("is the same for the same seed, and even", () => {
    const draw = (seed: number) => Array.from({ length: 1000 }, makeRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const numbers = draw(3);
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(numbers.reduce((a, b) => a + b) / 1000).toBeCloseTo(0.5, 1);
  });

  test("Zipf: the first comes up most, twice as often as the second, every one sometimes", () => {
    const counts = new Array<number>(10).fill(0);
    const next = makeZipf(10, 1, makeRandom(4));
    for (let i = 0; i < 30_000; i++) {
      const k = next();
      counts[k] = (counts[k] ?? 0) + 1;
    }
    expect((counts[0] ?? 0) / (counts[1] ?? 1)).toBeCloseTo(2, 0);
    expect(Math.min(...counts)).toBeGreaterThan(500);
  });

  test("a pick stays within its list", () => {
    expect(pick(() => 0.999, ["a", "b"])).toBe("b");
    expect(pick(() => 0, ["a", "b"])).toBe("a");
  });
});

describe("one question of the demo", () => {
  test("reads the whole answer and its Cache-Status", async () => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        new Response(request.headers.get("accept") ?? "", {
          headers: { "cache-status": "mir-edge-1; hit", "content-type": "image/webp" },
        }),
    });
    const url = `http://127.0.0.1:${server.port}/`;
    const answer = await ask({ edge: "edge-1", url, headers: { accept: "image/webp" } }, signal);
    expect(answer).toMatchObject({
      status: 200,
      bytes: "image/webp".length,
      contentType: "image/webp",
      members: [{ node: "edge-1", source: "hit" }],
    });
  });

  test("a node that is gone, or breaks off, is told and not thrown", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst"),
      },
    });
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await ask({ edge: "e", url }, signal)).toHaveProperty("failed");
    server.stop(true);
    expect(await ask({ edge: "e", url }, signal)).toHaveProperty("failed");
    expect(await ask({ edge: "e", url }, AbortSignal.abort())).toHaveProperty("failed");
  });
});
