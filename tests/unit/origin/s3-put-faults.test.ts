/** An S3 store as origin: PUTs that fail, of which none is taken for a stored picture. */

import { describe, expect, test } from "bun:test";
import { truncateSync } from "node:fs";
import { BREAKER } from "../../../src/base/breaker.ts";
import { pattern } from "../../contract/origin.ts";
import { codeOf, faultOf } from "../../support/bodies.ts";
import { type FaultyS3, type S3Fault, startFaultyS3 } from "../../support/faulty-s3.ts";
import { failFirst, openS3, SHORT_WAITS } from "../../support/s3-origin.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const ID = "upload42";
const KEY = "up/lo/ad/orig/upload42.jpg";
const BYTES = 2_000_000;

/** Where nothing is to be too slow, however busy the machine is. */
const PATIENT_WAITS = { probeMs: 5000, headMs: 5000, stallMs: 5000, storedMs: 5000 };

/** One upload to the store that fails as told. */
function startUpload({ bytes = BYTES, waits = PATIENT_WAITS } = {}) {
  using stack = new DisposableStack();
  const s3 = stack.use(startFaultyS3());
  const dir = stack.use(makeTempDir());
  const path = dir.write("upload", pattern(bytes));
  const parts = watchedParts();
  const origin = openS3(s3, parts, { secrets: s3.keys, waits });
  const kept = stack.move();
  return {
    s3,
    path,
    parts,
    put: (deadlineMs = 20_000) => origin.put(ID, { ext: "jpg", path, bytes, deadlineMs }),
    [Symbol.dispose]: () => kept.dispose(),
  };
}

const onPut =
  (fault: S3Fault): FaultyS3["fault"] =>
  ({ method }) =>
    method === "PUT" ? fault : undefined;

/** The first `times` PUTs. */
function failPuts(s3: FaultyS3, times: number, fault: S3Fault): void {
  let left = times;
  s3.fault = ({ method }) => (method === "PUT" && left-- > 0 ? fault : undefined);
}

const stored = (s3: FaultyS3): boolean =>
  Buffer.compare(s3.get(KEY) ?? Buffer.alloc(0), pattern(BYTES)) === 0;

describe("a PUT that the S3 store", () => {
  test("answers 500 once, or drops once, is repeated once", async () => {
    for (const fault of [{ kind: "status", status: 500 }, { kind: "hang-up" }] as const) {
      using upload = startUpload();
      failPuts(upload.s3, 1, fault);
      expect(await upload.put()).toBe("stored");
      expect(stored(upload.s3)).toBe(true);
      expect(upload.parts.count("origin_put")).toBe(1);
    }
  });

  test("keeps answering 500 fails for now", async () => {
    using upload = startUpload();
    upload.s3.fault = onPut({ kind: "status", status: 503 });
    expect(await codeOf(upload.put())).toBe("bad_origin");
    expect(upload.s3.requests.filter((line) => line.startsWith("PUT")).length).toBe(2);
    expect(upload.parts.count("origin_error")).toBe(1);
    upload.s3.fault = () => undefined;
    expect(await upload.put()).toBe("stored");
  });

  test("cuts in the middle is repeated, and stores nothing of it", async () => {
    using upload = startUpload();
    let cuts = 0;
    upload.s3.fault = ({ method }) =>
      method === "PUT" && cuts++ < 1 ? { kind: "cut-put", afterBytes: 1 } : undefined;
    expect(await upload.put()).toBe("stored");
    upload.s3.remove(KEY);
    upload.s3.fault = onPut({ kind: "cut-put", afterBytes: 300_000 });
    expect(await codeOf(upload.put())).toBe("bad_origin");
    expect(upload.s3.get(KEY)).toBeUndefined();
  });

  test("takes no further bytes of is too_slow, and given up", async () => {
    using upload = startUpload({ bytes: 32 * 1024 * 1024, waits: SHORT_WAITS });
    upload.s3.fault = onPut({ kind: "stall-put", afterBytes: 100_000 });
    expect(await codeOf(upload.put())).toBe("too_slow");
    expect(upload.s3.get(KEY)).toBeUndefined();
  });

  test("never answers is too_slow", async () => {
    using upload = startUpload({ waits: SHORT_WAITS });
    upload.s3.fault = onPut({ kind: "silence" });
    expect(await codeOf(upload.put())).toBe("too_slow");
  });

  test("refuses is not repeated, and the log says whose fault it is", async () => {
    for (const status of [403, 400, 301]) {
      using upload = startUpload();
      upload.s3.fault = onPut({ kind: "status", status });
      expect(await codeOf(upload.put())).toBe("bad_origin");
      expect(upload.s3.requests.filter((line) => line.startsWith("PUT")).length).toBe(1);
      expect(upload.parts.lines.join("")).toContain("origin_refused");
      if (status === 403) expect(upload.parts.lines.join("")).toContain("s3:PutObject");
    }
  });

  test("says is stored and is not there afterwards fails", async () => {
    using upload = startUpload();
    upload.s3.fault = onPut({ kind: "lose" });
    expect(await codeOf(upload.put())).toBe("bad_origin");
    expect(upload.parts.count("origin_put")).toBe(0);
  });

  test("has no bucket for fails, and the log says so", async () => {
    using dir = makeTempDir();
    using s3 = startFaultyS3({ bucket: "another" });
    const parts = watchedParts();
    const origin = openS3(s3, parts);
    const path = dir.write("upload", "picture");
    const options = { ext: "jpg", path, bytes: 7, deadlineMs: 10_000 };
    expect(await codeOf(origin.put(ID, options))).toBe("bad_origin");
    expect(parts.lines.join("")).toContain("no such bucket");
  });

  test("got without its digest being an ETag is compared byte by byte when it is put again", async () => {
    using upload = startUpload();
    upload.s3.put(KEY, pattern(BYTES), { etag: '"of-parts-3"' });
    expect(await upload.put()).toBe("already");
    upload.s3.put(KEY, pattern(BYTES, 1), { etag: '"of-parts-3"' });
    expect(await codeOf(upload.put())).toBe("conflict");
    expect(upload.s3.requests.some((line) => line.startsWith("PUT"))).toBe(false);
  });

  test("keeps failing is left alone for a while, and lookups go on", async () => {
    using upload = startUpload({ bytes: 10 });
    upload.s3.fault = onPut({ kind: "status", status: 403 });
    for (let n = 0; n < BREAKER.errorsMax; n++)
      expect(await codeOf(upload.put())).toBe("bad_origin");
    const before = upload.s3.requests.length;
    expect((await faultOf(upload.put())).retryAfterMs).toBe(BREAKER.firstMs);
    expect(upload.s3.requests.length).toBe(before);
    upload.s3.fault = () => undefined;
    upload.parts.clock.advance(BREAKER.firstMs);
    expect(await upload.put()).toBe("stored");
  });

  test("fails before anything is sent, when there are no credentials", async () => {
    using dir = makeTempDir();
    using s3 = startFaultyS3();
    const origin = openS3(s3, watchedParts(), { secrets: undefined });
    const path = dir.write("upload", "picture");
    expect(await codeOf(origin.put(ID, { ext: "jpg", path, bytes: 7, deadlineMs: 5000 }))).toBe(
      "bad_origin",
    );
    expect(s3.requests).toEqual([]);
  });

  test("is slow about in the HEAD before it is too_slow, and nothing is sent", async () => {
    using upload = startUpload({ waits: SHORT_WAITS });
    failFirst(upload.s3, 1, { kind: "silence" });
    expect(await codeOf(upload.put())).toBe("too_slow");
    expect(upload.s3.requests).toEqual([`HEAD ${KEY}`]);
  });
});

test("a file that becomes shorter while it is sent is no stored picture", async () => {
  using upload = startUpload({ bytes: 16 * 1024 * 1024 });
  let cut = false;
  upload.s3.fault = ({ method }) => {
    if (method === "PUT" && !cut) {
      cut = true;
      truncateSync(upload.path, 1000);
    }
    return undefined;
  };
  expect(await codeOf(upload.put())).toBe("bad_origin");
  expect(upload.s3.get(KEY)).toBeUndefined();
});
