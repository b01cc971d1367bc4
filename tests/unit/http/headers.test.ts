/** Success headers are built once for a hit, and kept within a bound. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { HIT, type Outcome } from "../../../src/content/served.ts";
import { makeSuccessHeaders } from "../../../src/http/headers.ts";
import { metaOf } from "../../support/picture-site.ts";

const numbered = (n: number) => metaOf(1000, `nu/mb/er/md/number${n}.jpg`);

describe("the headers of a hit", () => {
  test("are built once, apart for what Accept chose", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    const plain = headers.of(metaOf(1000), HIT, false);
    const varying = headers.of(metaOf(1000), HIT, true);
    expect(headers.of(metaOf(1000), HIT, false)).toBe(plain);
    expect(headers.of(metaOf(1000), HIT, true)).toBe(varying);
    expect([plain.get("vary"), varying.get("vary")]).toEqual([null, "Accept"]);
  });

  test("are built anew for other bytes, and never kept for anything but a hit", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    const kept = headers.of(metaOf(1000), HIT, false);
    expect(headers.of(metaOf(1001), HIT, false)).not.toBe(kept);
    const peer = { ...HIT, source: "peer" } as const;
    const streamed = headers.of(metaOf(1001), peer, false);
    expect(streamed.get("cache-status")).toContain("detail=peer");
    expect(headers.of(metaOf(1001), peer, false)).not.toBe(streamed);
    expect(headers.of(metaOf(1001), HIT, false).get("cache-status")).toBe("mir-edge-1; hit");
  });

  test("are built once for all who are told of one load", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    const meta = metaOf(1000);
    const joined = { ...HIT, source: "peer", collapsed: true } as const;
    const first = headers.of(meta, joined, false);
    expect(headers.of(meta, { ...joined }, false)).toBe(first);
    expect(headers.of(meta, { ...joined }, true).get("vary")).toBe("Accept");
    const led = headers.of(meta, { ...joined, collapsed: false }, false);
    expect(led.get("cache-status")).toBe("mir-edge-1; fwd=uri-miss; detail=peer");
    const below = headers.of(meta, { ...joined, via: "mir-owner; hit" }, false);
    expect(below.get("cache-status")).toStartWith("mir-owner; hit, ");
  });

  test("are kept for so many variants and no more", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    const first = headers.of(numbered(0), HIT, false);
    for (let n = 1; n < LIMITS.headerMemoMax; n++) headers.of(numbered(n), HIT, n % 2 === 0);
    expect(headers.of(numbered(0), HIT, false)).toBe(first);
    headers.of(numbered(LIMITS.headerMemoMax), HIT, true);
    expect(headers.of(numbered(0), HIT, false)).not.toBe(first);
  });
});

describe("the headers of what a peer has", () => {
  const peer = { source: "peer", collapsed: false, stored: false, via: "mir-b; hit" } as const;

  test("are the same each time, and those of now", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    const of = (bytes: number, change: Partial<Outcome> = {}, negotiated = false) =>
      Object.fromEntries(headers.of(metaOf(bytes), { ...peer, ...change }, negotiated));
    const first = of(1000);
    expect(first["cache-status"]).toBe("mir-b; hit, mir-edge-1; fwd=uri-miss; detail=peer");
    expect(of(1000)).toEqual(first);
    expect(of(1000, { via: "mir-c; hit" })["cache-status"]).toStartWith("mir-c; hit, ");
    expect(of(1000)).toEqual(first);
    expect(of(1000, { collapsed: true })["cache-status"]).toEndWith("detail=peer; collapsed");
    expect(of(1000)).toEqual(first);
    const other = headers.of({ ...metaOf(1000), validator: "f".repeat(16) }, peer, false);
    expect(other.get("etag")).not.toBe(first["etag"] ?? null);
    expect(of(1000, {}, true)["vary"]).toBe("Accept");
    expect(of(1000)).toEqual(first);
  });

  test("are nobody else's: what one answer adds is not in the next", () => {
    const headers = makeSuccessHeaders({ server: "edge-1", allowOrigin: "*" });
    for (let i = 0; i < 2; i++) {
      const mine = headers.of(metaOf(1000), peer, false);
      expect(mine.get("x-mine")).toBeNull();
      mine.set("x-mine", "1");
    }
  });
});
