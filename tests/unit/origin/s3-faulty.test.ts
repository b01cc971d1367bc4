/** An S3 store as origin, that fails: each fault becomes the right answer, and none a short picture. */

import { describe, expect, test } from "bun:test";
import { FAULTS } from "../../../src/base/fault.ts";
import { type Origin, openOrigins } from "../../../src/origin/origin.ts";
import { originContract, pattern, type StoreUnderTest } from "../../contract/origin.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import { type FaultyS3, type S3Fault, startFaultyS3 } from "../../support/faulty-s3.ts";
import { patternByte } from "../../support/raw-http.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

const ID = "viral123";
const RELNAME = "vi/ra/l1/orig/viral123.jpg";
const KNOWN = { deadlineMs: 10_000, ext: "jpg" };
/** Long enough for loopback, short enough for a test that waits it out. */
const SHORT_WAITS = { probeMs: 150, headMs: 150, stallMs: 150 };
const BIG_BYTES = 128 * 1024 * 1024;

originContract("an S3 store (ours, checking signatures)", async (): Promise<StoreUnderTest> => {
  using stack = new DisposableStack();
  const s3 = stack.use(startFaultyS3());
  const kept = stack.move();
  return {
    put: async (path, bytes) => s3.put(path, bytes),
    remove: async (path) => s3.remove(path),
    open: (parts) => openS3(s3, parts),
    [Symbol.asyncDispose]: async () => kept.dispose(),
  };
});

describe("a HEAD that the S3 store", () => {
  test("refuses with 403 is bad_origin, once, and the log names credentials or policy", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    const parts = watchedParts();
    const wrong = { ...s3.keys, secretAccessKey: "wrong" };
    const fault = await faultOf(openS3(s3, parts, { secrets: wrong }).open(ID, KNOWN));
    expect(fault.code).toBe("bad_origin");
    expect(s3.requests).toEqual([`HEAD ${RELNAME}`]);
    expect(parts.lines.join("")).toContain("credentials or policy");
    expect(parts.count("origin_error")).toBe(1);
  });

  test("fails never tells the client the store's host, bucket, key or answer", async () => {
    using s3 = startFaultyS3();
    for (const status of [403, 500, 301, 400]) {
      s3.fault = () => ({ kind: "status", status, code: "Internals" });
      const { message } = await faultOf(openS3(s3).open(ID, KNOWN));
      for (const inner of [
        "127.0.0.1",
        "photos",
        RELNAME,
        "Internals",
        "test-key",
        String(status),
      ]) {
        expect(message).not.toContain(inner);
      }
    }
  });

  for (const status of [500, 503, 429]) {
    test(`answers with ${status} is asked once more`, async () => {
      using s3 = startFaultyS3();
      s3.put(RELNAME, pattern(10));
      failFirst(s3, 1, { kind: "status", status });
      expect((await openS3(s3).open(ID, KNOWN)).bytes).toBe(10);
      expect(s3.requests).toEqual([`HEAD ${RELNAME}`, `HEAD ${RELNAME}`]);
    });
  }

  test("fails twice is bad_origin, which a client may retry", async () => {
    using s3 = startFaultyS3();
    s3.fault = () => ({ kind: "status", status: 500 });
    const { code } = await faultOf(openS3(s3).open(ID, KNOWN));
    expect([code, FAULTS[code].retry]).toEqual(["bad_origin", true]);
    expect(s3.requests).toHaveLength(2);
  });

  test("hangs up on is asked once more, then bad_origin", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    s3.fault = () => ({ kind: "hang-up" });
    expect(await codeOf(openS3(s3).open(ID, KNOWN))).toBe("bad_origin");
  });

  test("does not answer is too_slow within its wait, and the connection is given up", async () => {
    using s3 = startFaultyS3();
    s3.fault = () => ({ kind: "silence" });
    const origin = openS3(s3, watchedParts(), { waits: SHORT_WAITS });
    expect(await codeOf(origin.open(ID, KNOWN))).toBe("too_slow");
    await s3.aborted(1);
    expect(s3.requests).toHaveLength(1);
  });

  test("does not answer is too_slow within the caller's deadline too", async () => {
    using s3 = startFaultyS3();
    s3.fault = () => ({ kind: "silence" });
    expect(await codeOf(openS3(s3).open(ID, { ...KNOWN, deadlineMs: 100 }))).toBe("too_slow");
  });

  test("redirects is bad_origin: the signature would not hold elsewhere", async () => {
    using s3 = startFaultyS3();
    s3.put("elsewhere.jpg", pattern(10));
    const location = `${s3.endpoint}/photos/elsewhere.jpg`;
    s3.fault = () => ({ kind: "status", status: 307, location });
    const parts = watchedParts();
    expect(await codeOf(openS3(s3, parts).open(ID, KNOWN))).toBe("bad_origin");
    expect(s3.requests).toEqual([`HEAD ${RELNAME}`]);
    expect(parts.lines.join("")).toContain("region");
  });

  test("answers without a length is bad_origin", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(10));
    s3.fault = () => ({ kind: "header", name: "Content-Length", value: undefined });
    expect(await codeOf(openS3(s3).open(ID, KNOWN))).toBe("bad_origin");
  });

  test("answers with more bytes than an original may have is image_too_large", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, 5 * 1024 ** 3 + 1);
    expect(await codeOf(openS3(s3).open(ID, KNOWN))).toBe("image_too_large");
  });

  test("answers 404 for a bucket that does not exist is bad_origin, not not_found", async () => {
    using s3 = startFaultyS3({ bucket: "another" });
    const parts = watchedParts();
    expect(await codeOf(openS3(s3, parts).open(ID, KNOWN))).toBe("bad_origin");
    expect(parts.lines.join("")).toContain("NoSuchBucket");
  });

  test("answers 404 for pictures is asked about its bucket only the first time", async () => {
    using s3 = startFaultyS3();
    const origin = openS3(s3);
    for (let i = 0; i < 3; i++) expect(await codeOf(origin.open(ID, KNOWN))).toBe("not_found");
    expect(s3.requests.filter((request) => request.startsWith("GET"))).toHaveLength(1);
  });
});

describe("a body that the S3 store", () => {
  test("cuts is a fault after the bytes that came, never an end", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, pattern(1_000_000));
    s3.fault = onGet({ kind: "cut", afterBytes: 400_000 });
    const { body } = await openS3(s3).open(ID, KNOWN);
    expect(await codeOf(readAll(body))).toBe("bad_origin");
    expect(await codeOf(body.read())).toBe("bad_origin");
  });

  test("makes longer than it said is a fault before the last of its bytes is given", async () => {
    using s3 = startFaultyS3();
    s3.put(RELNAME, 100_000);
    for (const kind of ["length", "chunked"] as const) {
      s3.fault = onGet({ kind, bytes: 100_001 });
      const { body } = await openS3(s3).open(ID, KNOWN);
      expect(await codeOf(readAll(body))).toBe("bad_origin");
    }
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

describe("an S3 store without credentials", () => {
  test("is warned of when it is opened, and answers bad_origin without asking", async () => {
    using s3 = startFaultyS3();
    const parts = watchedParts();
    const origin = openS3(s3, parts, { secrets: undefined });
    expect(parts.lines.join("")).toContain("MIR_S3_ACCESS_KEY_ID");
    expect(await codeOf(origin.open(ID, KNOWN))).toBe("bad_origin");
    expect(s3.requests).toEqual([]);
  });
});

function openS3(
  s3: FaultyS3,
  parts: WatchedParts = watchedParts(),
  more: {
    readonly secrets?: FaultyS3["keys"] | undefined;
    readonly waits?: typeof SHORT_WAITS;
  } = { secrets: s3.keys },
): Origin {
  const secrets = "secrets" in more ? more.secrets : s3.keys;
  const spec = { kind: "s3", name: "origin", endpoint: s3.endpoint, region: "eu-test-1" } as const;
  const origin = openOrigins([{ ...spec, bucket: "photos", prefix: "", pathStyle: true }], {
    ...parts,
    ...more,
    secrets,
  });
  if (origin === undefined) throw new Error("no origin");
  return origin;
}

function onGet(fault: S3Fault): FaultyS3["fault"] {
  return ({ method }) => (method === "GET" ? fault : undefined);
}

function failFirst(s3: FaultyS3, times: number, fault: S3Fault): void {
  let left = times;
  s3.fault = () => (left-- > 0 ? fault : undefined);
}
