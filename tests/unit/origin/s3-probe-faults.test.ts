/** An S3 store as origin: the contract, then lookups that fail, each with the right answer. */

import { describe, expect, test } from "bun:test";
import { FAULTS } from "../../../src/base/fault.ts";
import { originContract, pattern, type StoreUnderTest } from "../../contract/origin.ts";
import { originPutContract } from "../../contract/origin-put.ts";
import { codeOf, faultOf } from "../../support/bodies.ts";
import { startFaultyS3 } from "../../support/faulty-s3.ts";
import { failFirst, openS3, SHORT_WAITS } from "../../support/s3-origin.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const ID = "viral123";
const RELNAME = "vi/ra/l1/orig/viral123.jpg";
const KNOWN = { deadlineMs: 10_000, ext: "jpg" };

const start = async (): Promise<StoreUnderTest> => {
  using stack = new DisposableStack();
  const s3 = stack.use(startFaultyS3());
  const kept = stack.move();
  return {
    put: async (path, bytes) => s3.put(path, bytes),
    remove: async (path) => s3.remove(path),
    open: (parts) => openS3(s3, parts),
    [Symbol.asyncDispose]: async () => kept.dispose(),
  };
};

originContract("an S3 store (ours, checking signatures)", start);
originPutContract("an S3 store (ours, checking signatures)", start);

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
