/** What an answer that is no picture tells of how it came about. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { HIT, type Served } from "../../../src/content/served.ts";
import {
  ask,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  patternOf,
} from "../../support/picture-site.ts";

const small: Served = { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes: patternOf(1000) };

describe("Cache-Status of an error", () => {
  test("tells the fault of a picture that was looked for", async () => {
    for (const code of [
      "not_found",
      "undecodable",
      "bad_origin",
      "overloaded",
      "too_slow",
    ] as const) {
      const { handler } = makePictureSite(() => {
        throw new Fault(code, "m");
      });
      const { headers } = await handler(ask(PICTURE_PATH));
      expect(headers.get("cache-status")).toBe(`mir-edge-1; fwd=uri-miss; detail=${code}`);
    }
  });

  test("of 416 is that of the picture whose bytes were asked for", async () => {
    const { status, headers } = await makePictureSite(() => small).handler(
      ask(PICTURE_PATH, { range: "bytes=5000-" }, "GET"),
    );
    expect([status, headers.get("cache-status")]).toEqual([416, "mir-edge-1; hit"]);
  });

  test("is absent where nothing was looked for (RFC 9211 §2)", async () => {
    const { handler } = makePictureSite(() => small);
    for (const request of [ask("/puddle/a/huge/x.jpg"), ask(PICTURE_PATH, {}, "PUT")]) {
      expect((await handler(request)).headers.get("cache-status")).toBeNull();
    }
  });
});
