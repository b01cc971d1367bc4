/** Web ids as content ids, there and back. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isContentId } from "../../../src/base/variant.ts";
import { contentIdOfWebId, isWebId, webIdOfContentId } from "../../../src/base/web-name.ts";

const CHARS = "ABCXYZabcxyz0189._~-";
const webIds = fc.string({ unit: fc.constantFrom(...CHARS), minLength: 1, maxLength: 128 });

describe("a web id without a resolver API", () => {
  test("is its own content id when it is a valid one", () => {
    expect(contentIdOfWebId("viral123")).toBe("viral123");
    expect(contentIdOfWebId("x".repeat(96))).toBe("x".repeat(96));
  });

  test("that is too short for one, or has dots or tildes, is escaped", () => {
    expect(contentIdOfWebId("phone")).toBe("web-cGhvbmU");
    expect(contentIdOfWebId("my.cat~1")).toBe("web-bXkuY2F0fjE");
    expect(contentIdOfWebId("a")).toBe("web-YQ");
  });

  test("of up to 69 characters can be escaped; a longer one stands for nothing", () => {
    expect(contentIdOfWebId(`${"x".repeat(68)}.`)).toHaveLength(96);
    expect(contentIdOfWebId(`${"x".repeat(69)}.`)).toBeUndefined();
    expect(contentIdOfWebId("x".repeat(97))).toBeUndefined();
  });

  test("is none at all as . or .. or with other characters", () => {
    for (const text of [
      ".",
      "..",
      "",
      "a/b",
      "a\\b",
      "a b",
      "ä",
      "a\u0000",
      "a%2f",
      "x".repeat(129),
    ]) {
      expect(isWebId(text)).toBe(false);
      expect(contentIdOfWebId(text)).toBeUndefined();
    }
    expect(isWebId("...")).toBe(true);
  });

  test("comes back out of its escape, and every content id made is valid", () => {
    fc.assert(
      fc.property(webIds, (webId) => {
        const id = contentIdOfWebId(webId);
        if (id === undefined) return;
        expect(isContentId(id)).toBe(true);
        if (id !== webId) expect(webIdOfContentId(id)).toBe(webId);
        expect(contentIdOfWebId(id)).toBe(id);
      }),
    );
  });
});

describe("a content id", () => {
  test("is an escape only in the exact form that would be made of the web id", () => {
    expect(webIdOfContentId("web-cGhvbmU")).toBe("phone");
    // a valid content id inside, another spelling of the last bits, padding, the other alphabet, no escape
    const viral = Buffer.from("viral123").toString("base64url");
    for (const id of [
      `web-${viral}`,
      "web-cGhvbmV",
      "web-cGhvbmU=",
      "web-+///",
      "web-page-one",
      "viral123",
    ]) {
      expect(webIdOfContentId(id)).toBeUndefined();
    }
  });

  test("never decodes to a name that leaves a folder", () => {
    for (const name of [".", "..", "../x", "a/b", "/etc", "a\\b", "a\u0000b", "\u00e4.x"]) {
      expect(webIdOfContentId(`web-${Buffer.from(name).toString("base64url")}`)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 69 }), (bytes) => {
        const name = webIdOfContentId(`web-${Buffer.from(bytes).toString("base64url")}`);
        if (name !== undefined) expect(isWebId(name)).toBe(true);
      }),
    );
  });
});
