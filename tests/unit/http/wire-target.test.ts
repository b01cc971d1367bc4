/** Targets on the wire: what we refuse, and what Bun's own parser does. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HIT, type Served } from "../../../src/content/served.ts";
import { metaOf, PICTURE_PATH, patternOf } from "../../support/picture-site.ts";
import { parsed, startWireSite, type WireSite } from "../../support/wire.ts";

const CONTENT = patternOf(1000);
const small: Served = { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes: CONTENT };

let site: WireSite;
beforeAll(async () => {
  site = await startWireSite();
});
afterAll(() => site.stop());

describe("a target on the wire", () => {
  async function status(target: string | Uint8Array): Promise<number> {
    site.serve(small);
    const head = Buffer.concat([
      Buffer.from("GET "),
      Buffer.from(target),
      Buffer.from(" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ]);
    return parsed(await site.exchange(head)).status;
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
    site.serve(small);
    for (const host of ["Host: \r\n", "Host: a/b\r\n", 'Host: "\r\n', "Host: [::1]:80\r\n"]) {
      const request = `GET ${PICTURE_PATH} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
      expect([host, parsed(await site.exchange(request)).status]).toEqual([host, 200]);
    }
    expect(parsed(await site.exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\n\r\n`)).status).toBe(200);
    const absolute = `GET http://other${PICTURE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect(parsed(await site.exchange(absolute)).status).toBe(200);
  });
});
