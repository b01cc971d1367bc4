/** Whole bodies of answers that had to wait: as long as they say, whatever the client does. */

import { afterAll, describe, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { lateBody } from "../../../src/http/late-body.ts";
import { patternOf } from "../../support/picture-site.ts";
import { until } from "../../support/until.ts";

const MiB = 1024 * 1024;
const HEADERS = new Headers({ "content-type": "image/jpeg", etag: '"e"', "cache-control": "x" });

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  development: false,
  async fetch(request) {
    const bytes = Number(new URL(request.url).pathname.slice(1));
    await setImmediate();
    return new Response(lateBody(new Uint8Array(patternOf(bytes))), { headers: HEADERS });
  },
});
afterAll(() => server.stop(true));

async function get(bytes: number): Promise<{ readonly answer: Response; readonly body: Buffer }> {
  const answer = await fetch(`${server.url}${bytes}`);
  return { answer, body: Buffer.from(await answer.arrayBuffer()) };
}

describe("a whole body that comes late", () => {
  test("has its length in front, whatever that is", async () => {
    for (const bytes of [0, 1, 15 * 1024 - 1, 15 * 1024, 16 * 1024, 100_001, MiB - 1, MiB]) {
      const { answer, body } = await get(bytes);
      expect(answer.headers.get("content-length")).toBe(String(bytes));
      expect(answer.headers.get("transfer-encoding")).toBeNull();
      expect(answer.headers.get("etag")).toBe('"e"');
      expect(body.equals(patternOf(bytes))).toBe(true);
    }
  });

  test("is followed by the next one on the same connection", async () => {
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, i) => get(50_000 + i).then(({ body }) => body)),
    );
    for (const [i, body] of all.entries()) expect(body.equals(patternOf(50_000 + i))).toBe(true);
  });

  test("is whole for a client that reads late", async () => {
    const parts: Uint8Array[] = [];
    let ended = false;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port ?? 0,
      socket: {
        data: (_, part) => void parts.push(part),
        close: () => {
          ended = true;
        },
      },
    });
    socket.pause();
    socket.write(`GET /${MiB} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    // others are served meanwhile: the answer fills what the kernel takes, and waits
    for (let i = 0; i < 20; i++) expect((await get(20_000)).body).toHaveLength(20_000);
    expect(ended).toBe(false);
    socket.resume();
    await until(() => ended, "the answer has ended");
    const whole = Buffer.concat(parts);
    const head = whole.indexOf("\r\n\r\n");
    expect(whole.subarray(0, head).toString()).toContain(`Content-Length: ${MiB}`);
    expect(whole.subarray(head + 4).equals(patternOf(MiB))).toBe(true);
  });

  test("harms nobody when its client goes", async () => {
    const leave = async (): Promise<void> => {
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: server.port ?? 0,
        socket: { data() {} },
      });
      socket.write(`GET /${MiB} HTTP/1.1\r\nHost: a\r\n\r\n`);
      socket.terminate();
    };
    await Promise.all(Array.from({ length: 50 }, leave));
    expect((await get(MiB)).body.equals(patternOf(MiB))).toBe(true);
    await until(() => server.pendingRequests === 0, "nothing is left under way");
  });
});
