/** Several origins, and one that keeps failing. */

import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BREAKER } from "../../../src/base/breaker.ts";
import { type Origin, openOrigins } from "../../../src/origin/origin.ts";
import type { OriginSpec } from "../../../src/topology/topology.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import { startFaultyS3 } from "../../support/faulty-s3.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

const ID = "viral123";
const FILE = `${ID}.jpg`;
const KNOWN = { deadlineMs: 10_000, ext: "jpg" };

test("a mesh without an origin has none", () => {
  expect(openOrigins([], { ...watchedParts(), secrets: undefined })).toBeUndefined();
});

describe("several origins", () => {
  test("each get what is put, and it is stored once each of them has it", async () => {
    using first = makeTempDir();
    using second = makeTempDir();
    using from = makeTempDir();
    const origin = openAll([directory("first", first.path), directory("second", second.path)]);
    const options = { ext: "jpg", path: from.write("f", "bytes"), bytes: 5, deadlineMs: 10_000 };
    expect(await origin.put(ID, options)).toBe("stored");
    expect(await origin.put(ID, options)).toBe("already");
    rmSync(join(second.path, "vi"), { recursive: true });
    expect(await origin.put(ID, options)).toBe("stored");
    for (const dir of [first, second]) {
      expect(readFileSync(join(dir.path, "vi/ra/l1/orig", FILE), "utf8")).toBe("bytes");
    }
    const half = openAll([directory("first", first.path), directory("gone", join(from.path, "x"))]);
    expect(await codeOf(half.put(ID, options))).toBe("bad_origin");
  });

  test("are asked in file order when one fails", async () => {
    using good = makeTempDir();
    good.write(FILE, "second");
    const origin = openAll([
      directory("first", join(good.path, "gone")),
      directory("second", good.path),
    ]);
    const { body } = await origin.open(ID, KNOWN);
    expect(Buffer.from(await readAll(body)).toString()).toBe("second");
  });

  test("are not asked further when one says that there is no such original", async () => {
    using first = makeTempDir();
    using second = makeTempDir();
    second.write(FILE, "second");
    const origin = openAll([directory("first", first.path), directory("second", second.path)]);
    expect(await codeOf(origin.open(ID, KNOWN))).toBe("not_found");
  });

  test("fail as the last of them did when all do", async () => {
    using dir = makeTempDir();
    const specs = ["a", "b"].map((name) => directory(name, join(dir.path, name)));
    expect(await codeOf(openAll(specs).open(ID, KNOWN))).toBe("bad_origin");
  });

  test("share the time out, so that one that hangs leaves some for the next", async () => {
    using hanging = startFaultyS3();
    using good = makeTempDir();
    good.write(FILE, "second");
    hanging.fault = () => ({ kind: "silence" });
    const origin = openAll([s3("first", hanging.endpoint), directory("second", good.path)], {
      secrets: hanging.keys,
      parts: { ...watchedParts(), clock: realClock },
    });
    const { body } = await origin.open(ID, { ...KNOWN, deadlineMs: 400 });
    expect(Buffer.from(await readAll(body)).toString()).toBe("second");
  });
});

describe("an origin that keeps failing", () => {
  test("is left alone after errors in a row, then tried by one call, then used again", async () => {
    using store = startFaultyS3();
    store.put(FILE, new Uint8Array(1));
    store.fault = () => ({ kind: "status", status: 403 });
    const parts = watchedParts();
    const origin = openAll([s3("origin", store.endpoint)], { secrets: store.keys, parts });
    for (let i = 0; i < BREAKER.errorsMax; i++) {
      expect(await codeOf(origin.open(ID, KNOWN))).toBe("bad_origin");
    }
    const asked = store.requests.length;
    const fault = await faultOf(origin.open(ID, KNOWN));
    expect([fault.code, fault.retryAfterMs]).toEqual(["bad_origin", BREAKER.firstMs]);
    expect(store.requests).toHaveLength(asked);

    parts.clock.advance(BREAKER.firstMs);
    store.fault = () => undefined;
    const { body } = await origin.open(ID, KNOWN);
    await readAll(body);
    expect(parts.lines.filter((line) => /origin_(left_alone|back)/.test(line))).toHaveLength(2);
  });

  test("is left alone too when only its bodies fail", async () => {
    using store = startFaultyS3();
    store.put(FILE, new Uint8Array(1));
    store.fault = ({ method }) => (method === "GET" ? { kind: "status", status: 403 } : undefined);
    const parts = watchedParts();
    const origin = openAll([s3("origin", store.endpoint)], { secrets: store.keys, parts });
    for (let i = 0; i < BREAKER.errorsMax; i++) {
      expect(await codeOf((await origin.open(ID, KNOWN)).body.read())).toBe("bad_origin");
    }
    const asked = store.requests.length;
    expect(await codeOf(origin.open(ID, KNOWN))).toBe("bad_origin");
    expect(store.requests).toHaveLength(asked);

    parts.clock.advance(BREAKER.firstMs);
    store.fault = () => undefined;
    const trial = await origin.open(ID, KNOWN);
    expect(await codeOf(origin.open(ID, KNOWN))).toBe("bad_origin");
    await readAll(trial.body);
    expect((await origin.open(ID, KNOWN)).bytes).toBe(1);
  });

  test("is one that errs: pictures that are not there do not count", async () => {
    using dir = makeTempDir();
    const origin = openAll([directory("origin", dir.path)]);
    for (let i = 0; i < 3 * BREAKER.errorsMax; i++) {
      expect(await codeOf(origin.open(ID, KNOWN))).toBe("not_found");
    }
  });

  test("is one that errs: callers in a hurry do not count", async () => {
    using dir = makeTempDir();
    dir.write(FILE, "picture");
    const origin = openAll([directory("origin", dir.path)]);
    for (let i = 0; i < 3 * BREAKER.errorsMax; i++) {
      expect(await codeOf(origin.open(ID, { ...KNOWN, deadlineMs: 0 }))).toBe("too_slow");
    }
    expect((await origin.open(ID, KNOWN)).bytes).toBe(7);
  });
});

const realClock: WatchedParts["clock"] = {
  monotonicMs: () => performance.now(),
  wallSeconds: () => 0,
  advance() {},
};

function directory(name: string, dir: string): OriginSpec {
  return { kind: "directory", name, dir };
}

function s3(name: string, endpoint: string): OriginSpec {
  const more = { bucket: "photos", region: undefined, prefix: "", pathStyle: true };
  return { kind: "s3", name, endpoint, ...more };
}

function openAll(
  specs: readonly OriginSpec[],
  options: {
    readonly secrets?: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly parts?: WatchedParts;
  } = {},
): Origin {
  const parts = options.parts ?? watchedParts();
  const origin = openOrigins(specs, { ...parts, secrets: options.secrets });
  if (origin === undefined) throw new Error("no origin");
  return origin;
}
