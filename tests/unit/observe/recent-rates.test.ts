/** What a node has done a second of late. */

import { describe, expect, test } from "bun:test";
import type { CounterName } from "../../../src/observe/counters.ts";
import { makeRecentRates, NO_RECENT_RATES } from "../../../src/observe/recent-rates.ts";
import { countersWith } from "../../support/status-documents.ts";
import { watchedParts } from "../../support/watched-parts.ts";

function meter() {
  const { clock } = watchedParts();
  let counts: Partial<Record<CounterName, number>> = {};
  let peerBytes = 0;
  let sample = (): void => {};
  const now = makeRecentRates({
    counters: () => countersWith(counts),
    peerBytes: () => peerBytes,
    clock,
    start(run) {
      sample = run;
    },
  });
  return {
    now,
    second(grown: Partial<Record<CounterName, number>>, fromPeers = 0): void {
      const names = Object.keys(grown) as CounterName[];
      counts = {
        ...counts,
        ...Object.fromEntries(names.map((n) => [n, (counts[n] ?? 0) + (grown[n] ?? 0)])),
      };
      peerBytes += fromPeers;
      clock.advance(1000);
      sample();
    },
  };
}

describe("rates of late", () => {
  test("are none before a second has passed", () => {
    expect(meter().now()).toEqual(NO_RECENT_RATES);
  });

  test("are what was counted in the last seconds", () => {
    const { now, second } = meter();
    second({ http_requests: 30, peer_request: 10, lru_hit: 30, lru_miss: 10, http_bytes: 1000 });
    second({ peer_bytes: 500, origin_bytes: 200, upload_bytes: 100 }, 100);
    expect(now()).toEqual({
      ...{ seconds: 2, requests: 15, peerRequests: 5, hitRatio: 0.75 },
      ...{ bytesOut: 750, bytesIn: 200 },
    });
  });

  test("forget what is longer ago than ten seconds", () => {
    const { now, second } = meter();
    second({ http_requests: 1000 });
    for (let i = 0; i < 10; i++) second({ http_requests: 5 });
    expect(now()).toMatchObject({ seconds: 10, requests: 5 });
  });

  test("are never below nothing, though a peer that has left takes its count along", () => {
    const { now, second } = meter();
    second({}, 1000);
    second({}, -2000);
    expect(now().bytesIn).toBe(0);
  });
});
