/** `Cache-Status` as RFC 9211 and spec §11 want it. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Outcome } from "../../../src/content/served.ts";
import { formatCacheFault, formatCacheStatus } from "../../../src/http/cache-status.ts";

const HIT: Outcome = { source: "hit", collapsed: false, stored: false, via: "" };
const status = (outcome: Partial<Outcome>, server = "edge-1"): string =>
  formatCacheStatus(server, { ...HIT, ...outcome });

describe("Cache-Status", () => {
  test("of what was here is a hit and nothing else", () => {
    expect(status({})).toBe("mir-edge-1; hit");
    expect(status({ collapsed: true, stored: true })).toBe("mir-edge-1; hit");
  });

  test("of everything else tells why it was forwarded and where to", () => {
    for (const source of ["peer", "generated", "upstream", "origin", "stand-in"] as const) {
      expect(status({ source })).toBe(`mir-edge-1; fwd=uri-miss; detail=${source}`);
    }
  });

  test("tells of flights joined and variants kept", () => {
    expect(status({ source: "origin", stored: true })).toBe(
      "mir-edge-1; fwd=uri-miss; detail=origin; stored",
    );
    expect(status({ source: "peer", collapsed: true, stored: true })).toBe(
      "mir-edge-1; fwd=uri-miss; detail=peer; collapsed; stored",
    );
  });

  test("comes after those of the nodes behind", () => {
    const via = "mir-bulk; hit, mir-regional; fwd=uri-miss; detail=upstream";
    expect(status({ source: "upstream", via })).toBe(
      `${via}, mir-edge-1; fwd=uri-miss; detail=upstream`,
    );
  });

  test("of a picture that cannot be had tells the fault", () => {
    expect(formatCacheFault("edge-1", "not_found")).toBe(
      "mir-edge-1; fwd=uri-miss; detail=not_found",
    );
  });

  test("takes over nothing that could break out of the header", () => {
    for (const via of ["a\r\nSet-Cookie: x", "a\nb", "a\u0000", "ä", "\u2028", "a\tb"]) {
      expect([via, status({ source: "peer", via })]).toEqual([via, status({ source: "peer" })]);
    }
  });

  test("takes over no more than its limit", () => {
    const longest = "v".repeat(LIMITS.cacheStatusCharsMax);
    expect(status({ via: longest })).toBe(`${longest}, mir-edge-1; hit`);
    expect(status({ via: `${longest}v` })).toBe("mir-edge-1; hit");
  });

  test("quotes a name that is no token", () => {
    expect(status({}, 'my "edge"')).toBe('"mir-my \\"edge\\""; hit');
    expect(status({}, "straße")).toBe('"mir-stra?e"; hit');
    expect(status({}, "edge.us:1")).toBe("mir-edge.us:1; hit");
  });
});
