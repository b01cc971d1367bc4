/** Whole bodies on the wire: lengths and ranges, exactly. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HIT, type Served } from "../../../src/content/served.ts";
import { metaOf, PICTURE_PATH, patternOf } from "../../support/picture-site.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { dechunked, parsed, startWireSite, valuesOf, type WireSite } from "../../support/wire.ts";

const SMALL = patternOf(1000);
/** More than Bun gathers into one write by itself. */
const MIDDLE = patternOf(100 * 1024);
const LARGE = patternOf(3 * 1024 * 1024 + 17);
const dir = makeTempDir();
afterAll(() => dir[Symbol.dispose]());
const smallPath = dir.write("small.jpg", SMALL);
const largePath = dir.write("large.jpg", LARGE);
const small: Served = { kind: "file", meta: metaOf(1000), outcome: HIT, path: smallPath };
const large: Served = { kind: "file", meta: metaOf(LARGE.length), outcome: HIT, path: largePath };
const made: Served = {
  kind: "file",
  meta: metaOf(MIDDLE.length),
  outcome: { ...HIT, source: "generated", stored: true },
  path: dir.write("middle.jpg", MIDDLE),
};
const fetched: Served = {
  kind: "bytes",
  meta: metaOf(MIDDLE.length),
  outcome: { ...HIT, source: "peer" },
  bytes: MIDDLE,
};
const bytes: Served = { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes: SMALL };

let site: WireSite;
beforeAll(async () => {
  site = await startWireSite();
});
afterAll(() => site.stop());

describe("a whole body", () => {
  for (const [what, served, whole] of [
    ["of a small file", small, SMALL],
    ["of a large file", large, LARGE],
    ["of bytes", bytes, SMALL],
    ["of many bytes", fetched, MIDDLE],
    ["of a file that was just made", made, MIDDLE],
  ] as const) {
    test(`${what} goes with one Content-Length, a date, and not chunked`, async () => {
      const answer = await site.get(served);
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
        const answer = await site.get(served, { Range: range });
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
        const answer = await site.get(served, headers);
        expect([headers.Range, answer.status]).toEqual([headers.Range, 200]);
        expect(valuesOf(answer, "content-range")).toEqual([]);
        expect(dechunked(answer).equals(whole)).toBe(true);
      }
    });

    test(`${what} has no bytes past its end: 416`, async () => {
      for (const range of [`bytes=${whole.length}-`, "bytes=-0"]) {
        const answer = await site.get(served, { Range: range });
        expect([range, answer.status]).toEqual([range, 416]);
        expect(valuesOf(answer, "content-range")).toEqual([`bytes */${whole.length}`]);
        expect(valuesOf(answer, "content-length")).toEqual([String(answer.body.length)]);
      }
    });

    test(`${what} on HEAD is a head with the same length, ranges or not`, async () => {
      site.serve(served);
      for (const headers of ["", "Range: bytes=0-4\r\n"]) {
        const request = `HEAD ${PICTURE_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;
        const answer = parsed(await site.exchange(request));
        expect([answer.status, answer.body.length]).toEqual([200, 0]);
        expect(valuesOf(answer, "content-length")).toEqual([String(whole.length)]);
        expect(valuesOf(answer, "content-type")).toEqual(["image/jpeg"]);
        expect(valuesOf(answer, "date")).toHaveLength(1);
      }
    });
  }

  test("not modified is 304 without a body or a length", async () => {
    const answer = await site.get(large, { "If-None-Match": "*" });
    expect([answer.status, answer.body.length]).toEqual([304, 0]);
    expect(valuesOf(answer, "content-length")).toEqual([]);
  });

  test("goes to HTTP/1.0 with its length", async () => {
    site.serve(large);
    const answer = parsed(await site.exchange(`GET ${PICTURE_PATH} HTTP/1.0\r\n\r\n`));
    expect(valuesOf(answer, "content-length")).toEqual([String(LARGE.length)]);
    expect(answer.body.equals(LARGE)).toBe(true);
  });
});
