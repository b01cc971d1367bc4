/** What the encoders refuse to say, and what they shorten. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { UNKNOWN_FACTS, type VariantMeta } from "../../../src/base/variant.ts";
import {
  answerHeader,
  boundedVia,
  encodeRecord,
  encodeRequest,
  encodeSaveHead,
} from "../../../src/wire/encode.ts";
import { metaOf } from "../../../src/wire/messages.ts";
import { decodeAll } from "../../support/wire-pieces.ts";

const RELNAME = "vi/ra/l1/md/viral123.jpg";
const META: VariantMeta = {
  relname: RELNAME,
  bytes: 1000,
  validator: "0123456789abcdef",
  modified: 1_700_000_000,
  facts: { width: 4000, height: 3000, alpha: false, animated: true },
  lossySteps: 1,
};

/** What the asker makes of an answer's header. */
function received(offset: number, head: boolean, bodyBytes: number) {
  const header = answerHeader({ meta: META, via: "", detail: "hit", offset, head });
  const [piece] = decodeAll(encodeSaveHead(header, bodyBytes));
  if (piece?.kind !== "save") throw new Error("no save");
  return metaOf(piece.header, piece.bodyBytes);
}

describe("an answer's header", () => {
  test("carries everything that travels with a variant", () => {
    expect(received(0, false, 1000)).toEqual(META);
    expect(received(400, false, 600)).toEqual(META);
    expect(received(0, true, 0)).toEqual(META);
  });

  test("is refused when content, offset and length do not fit together", () => {
    expect(() => received(0, false, 999)).toThrow(Fault);
    expect(() => received(400, false, 1000)).toThrow(Fault);
    expect(() => received(0, true, 1)).toThrow(Fault);
  });

  test("is refused without length or validator, which nobody may invent", () => {
    expect(() => metaOf({ relname: RELNAME, bytes: 3 }, 3)).toThrow("validator");
    expect(() => metaOf({ relname: RELNAME, validator: META.validator }, 3)).toThrow("bytes");
    const least = { relname: RELNAME, bytes: 3, validator: META.validator };
    expect(metaOf(least, 3)).toEqual({
      ...least,
      modified: 0,
      facts: UNKNOWN_FACTS,
      lossySteps: 0,
    });
  });

  test("drops whole members of via when there are too many, those nearest the origin first", () => {
    const members = Array.from({ length: 400 }, (_, i) => `mir-node${i}; hit`);
    const via = boundedVia(members.join(", "));
    expect(via.length).toBeLessThanOrEqual(LIMITS.wireViaCharsMax);
    expect(via.length).toBeGreaterThan(LIMITS.wireViaCharsMax - 40);
    expect(members.join(", ").endsWith(via)).toBe(true);
    expect(via.startsWith("mir-node")).toBe(true);
    expect(boundedVia("x".repeat(LIMITS.wireViaCharsMax + 1))).toBe("");
  });

  test("never carries what its reader would refuse", () => {
    const detail = `a\r\nb${"x".repeat(2 * LIMITS.wireDetailCharsMax)}`;
    const header = answerHeader({ meta: META, via: "ä\n", detail, offset: 0, head: true });
    expect(decodeAll(encodeSaveHead(header, 0))[0]).toMatchObject({
      header: {
        via: "??",
        detail: detail.replace("\r\n", "??").slice(0, LIMITS.wireDetailCharsMax),
      },
    });
  });
});

test("a message over the maximum of its command is a bug here, not sent", () => {
  expect(() => encodeRequest("a".repeat(LIMITS.wireRelnameBytesMax + 1))).toThrow("too many");
  expect(() => encodeSaveHead({ relname: RELNAME }, LIMITS.wireBodyBytesMax * 2)).toThrow(
    "too many",
  );
  const relname = "a".repeat(LIMITS.wireJsonBytesMax);
  expect(() => encodeSaveHead({ relname }, 0)).toThrow("JSON");
  expect(() => encodeRecord({ hits: [{ relname, count: 1 }] })).toThrow("too many");
});
