/** The demo's reading of `Cache-Status`: what nodes write, what RFC 9211 allows, no more. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { parseCacheStatus, SOURCES } from "../../../../src/cli/demo/cache-status.ts";
import { parseList } from "../../../../src/cli/demo/structured-list.ts";
import { formatCacheStatus } from "../../../../src/http/cache-status.ts";

const flags = { collapsed: false, stored: false };

describe("Cache-Status as the demo reads it", () => {
  test("a hit is one member", () => {
    expect(parseCacheStatus("mir-edge-1; hit")).toEqual([
      { node: "edge-1", source: "hit", ...flags },
    ]);
  });

  test("a chain reads from the origin's side to the client's", () => {
    const header =
      "mir-regional-1; fwd=uri-miss; detail=origin; stored, " +
      "mir-edge-2; fwd=uri-miss; detail=upstream; collapsed; stored, " +
      "mir-edge-1; fwd=uri-miss; detail=peer";
    expect(parseCacheStatus(header)).toEqual([
      { node: "regional-1", source: "origin", collapsed: false, stored: true },
      { node: "edge-2", source: "upstream", collapsed: true, stored: true },
      { node: "edge-1", source: "peer", ...flags },
    ]);
  });

  test("strings stand for tokens, ?0 takes a flag back, unknown parameters are passed over", () => {
    const header = '"mir-a,b; c";fwd=miss;detail="peer";stored=?0;ttl=-3;key="x";fwd-status=200';
    expect(parseCacheStatus(header)).toEqual([{ node: "a,b; c", source: "peer", ...flags }]);
  });

  test("what is no list of our nodes is refused as a whole", () => {
    const refused = [
      "",
      "mir-edge-1",
      "mir-edge-1; hit; fwd=miss",
      "mir-edge-1; hit=?0",
      "mir-edge-1; hit=yes",
      "mir-edge-1; fwd=miss",
      "mir-edge-1; fwd=miss; detail=hit",
      "mir-edge-1; fwd=miss; detail=elsewhere",
      "mir-edge-1; fwd=?1; detail=peer",
      "mir-edge-1; fwd=miss; detail=peer; stored=1",
      "ExampleCDN; hit",
      "mir-edge-1; hit, ExampleCDN; hit",
      "mir-edge-1; hit,",
      ", mir-edge-1; hit",
      "mir-edge-1; hit mir-edge-2; hit",
      "mir-edge-1; Hit",
      'mir-"edge; hit',
      "(mir-edge-1); hit",
      "5; hit",
    ];
    expect(refused.filter((header) => parseCacheStatus(header) !== undefined)).toEqual([]);
  });

  test("a header beyond the limit is not read", () => {
    const longest = `mir-${"a".repeat(DEMO_LIMITS.cacheStatusCharsMax - 9)}; hit`;
    expect(longest.length).toBe(DEMO_LIMITS.cacheStatusCharsMax);
    expect(parseCacheStatus(longest)).toHaveLength(1);
    expect(parseCacheStatus(`${longest} `)).toBeUndefined();
  });

  test("whatever a node writes is read back", () => {
    const outcome = fc.record({
      server: fc.string({ unit: fc.constantFrom(...'aZ9-._,;" \\'), minLength: 1, maxLength: 12 }),
      source: fc.constantFrom(...SOURCES),
      collapsed: fc.boolean(),
      stored: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 5 }), (chain) => {
        const header = chain.reduce(
          (via, { server, ...rest }) => formatCacheStatus(server, { ...rest, via }),
          "",
        );
        const members = chain.map(({ server, source, collapsed, stored }) => ({
          node: server,
          source,
          collapsed: source !== "hit" && collapsed,
          stored: source !== "hit" && stored,
        }));
        expect(parseCacheStatus(header)).toEqual(members);
      }),
    );
  });
});

describe("Structured Fields lists", () => {
  test("numbers, strings with escapes, tokens and booleans", () => {
    const items = parseList('  1, -2.5,"a\\"\\\\b" ,\t*x/y:z, ?0  ');
    expect(items?.map((item) => item.value)).toEqual([1, -2.5, 'a"\\b', "*x/y:z", false]);
  });

  test("an empty list is a list", () => {
    expect(parseList("")).toEqual([]);
  });

  test("broken bits are refused", () => {
    const broken = ['"a', '"é"', "1.", "1.2345", "1234567890123456", "a;=1", "a;B", "a,", ":YQ==:"];
    expect(broken.filter((text) => parseList(text) !== undefined)).toEqual([]);
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseList(text)));
  });
});
