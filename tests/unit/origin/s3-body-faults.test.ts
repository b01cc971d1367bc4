/** An S3 store as origin: bodies that fail, of which none becomes a short picture. */

import { describe, expect, test } from "bun:test";
import { pattern } from "../../contract/origin.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { startFaultyS3 } from "../../support/faulty-s3.ts";
import { patternByte } from "../../support/raw-http.ts";
import { failFirst, onGet, openS3, SHORT_WAITS } from "../../support/s3-origin.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const ID = "viral123";
const RELNAME = "vi/ra/l1/orig/viral123.jpg";
const KNOWN = { deadlineMs: 10_000, ext: "jpg" };
const BIG_BYTES = 128 * 1024 * 1024;

describe("a body that the S3 store", () => {
  test("cuts is a fault after the bytes that came, never an end", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(1_000_000));
    s3.fault = onGet({ kind: "cut", afterBytes: 400_000 });
    const { body } = await openS3(s3).open(ID, KNOWN);
    expect(await codeOf(readAll(body))).toBe("bad_origin");
    expect(await codeOf(body.read())).toBe("bad_origin");
  });

  test("makes longer than it said is a fault", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, 100_000);
    for (const kind of ["length", "chunked"] as const) {
      s3.fault = onGet({ kind, bytes: 100_001 });
      const { body } = await openS3(s3).open(ID, KNOWN);
      expect(await codeOf(readAll(body))).toBe("bad_origin");
    }
  });

  test("has sent whole gives its last chunk only with the proof that nothing follows", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, 1_000_000);
    s3.fault = onGet({ kind: "stall", afterBytes: 1_000_000, chunked: true });
    const { body } = await openS3(s3, watchedParts(), { waits: SHORT_WAITS }).open(ID, KNOWN);
    let got = 0;
    const read = async (): Promise<void> => {
      for (let c = await body.read(); c !== undefined; c = await body.read()) got += c.length;
    };
    expect(await codeOf(read())).toBe("too_slow");
    expect(got).toBeLessThan(1_000_000);
  });

  test("makes shorter than it said is a fault", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, 100_000);
    for (const kind of ["length", "chunked"] as const) {
      s3.fault = onGet({ kind, bytes: 99_999 });
      const { body } = await openS3(s3).open(ID, KNOWN);
      expect(await codeOf(readAll(body))).toBe("bad_origin");
    }
  });

  test("stalls in the middle is too_slow, and the connection is given up", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(1_000_000));
    s3.fault = onGet({ kind: "stall", afterBytes: 300_000 });
    const origin = openS3(s3, watchedParts(), { waits: SHORT_WAITS });
    const { body } = await origin.open(ID, KNOWN);
    expect(await codeOf(readAll(body))).toBe("too_slow");
    await s3.aborted(1);
  });

  test("does not begin is too_slow", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    s3.fault = onGet({ kind: "silence" });
    const { body } = await openS3(s3, watchedParts(), { waits: SHORT_WAITS }).open(ID, KNOWN);
    expect(await codeOf(body.read())).toBe("too_slow");
  });

  for (const fault of [
    { kind: "status", status: 503 },
    { kind: "hang-up" },
    { kind: "cut", afterBytes: 0 },
  ] as const) {
    test(`fails before its first byte (${fault.kind}) is asked for once more`, async () => {
      using s3 = startFaultyS3();
      s3.put(RELNAME, pattern(500_000));
      const { body } = await openS3(s3).open(ID, KNOWN);
      failFirst(s3, 1, fault);
      expect(Buffer.compare(await readAll(body), pattern(500_000))).toBe(0);
    });
  }

  test("refuses, or has lost, is bad_origin", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    for (const status of [403, 404, 500]) {
      s3.fault = onGet({ kind: "status", status });
      expect(await codeOf((await openS3(s3).open(ID, KNOWN)).body.read())).toBe("bad_origin");
    }
  });

  test("replaced by one of the same length since the HEAD is a fault", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    const { body } = await openS3(s3).open(ID, KNOWN);
    s3.put(RELNAME, pattern(10, 1));
    expect(await codeOf(body.read())).toBe("bad_origin");
  });

  test("put with a Content-Encoding is passed on as it is stored", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(1000));
    s3.fault = () => ({ kind: "header", name: "Content-Encoding", value: "gzip" });
    const { body } = await openS3(s3).open(ID, KNOWN);
    expect(Buffer.compare(await readAll(body), pattern(1000))).toBe(0);
  });

  test("is sending is given up when the reader cancels", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, BIG_BYTES);
    const { body } = await openS3(s3).open(ID, KNOWN);
    await body.read();
    body.cancel();
    await s3.aborted(1);
    expect(s3.sentBytes).toBeLessThan(BIG_BYTES);
  });

  test("sends faster than it is read waits in the sockets, not in memory", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, BIG_BYTES);
    const { body } = await openS3(s3).open(ID, KNOWN);
    let got = 0;
    let aheadMax = 0;
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      if (chunk[0] !== patternByte(got)) throw new Error(`wrong byte at ${got}`);
      got += chunk.length;
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      aheadMax = Math.max(aheadMax, s3.sentBytes - got);
    }
    expect(got).toBe(BIG_BYTES);
    expect(aheadMax).toBeLessThan(24 * 1024 * 1024);
  });
});
