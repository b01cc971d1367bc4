/** The lists of metrics: what each must say of itself. */

import { describe, expect, test } from "bun:test";
import { COUNTER_NAMES, counterKind } from "../../../src/observe/counters.ts";
import { GAUGE_NAMES, gaugeKind } from "../../../src/observe/gauges.ts";
import { HISTOGRAMS } from "../../../src/observe/histogram.ts";
import { type MetricKind, metricName, unitOf } from "../../../src/observe/metric.ts";

/** Spec §11. */
const PRESCRIBED =
  "mir_lru_hit_total mir_lru_miss_total mir_path_cache_hit_total mir_path_cache_miss_total " +
  "mir_cross_peer_stream_total mir_origin_get_total mir_origin_probe_total mir_upstream_fetch_total " +
  "mir_generated_total mir_stand_in_total mir_shed_total mir_flight_joined_total mir_evicted_total " +
  "mir_warm_sent_total mir_warm_stored_total mir_peer_failover_total mir_corrupt_total " +
  "mir_outbox_pending mir_cache_bytes mir_cache_capacity_bytes mir_ram_bytes " +
  "mir_http_request_seconds mir_image_queue_depth mir_worker_restart_total";

const ALL: ReadonlyMap<string, MetricKind> = new Map([
  ...COUNTER_NAMES.map((name) => [`${metricName(name)}_total`, counterKind(name)] as const),
  ...GAUGE_NAMES.map((name) => [metricName(name), gaugeKind(name)] as const),
  ...Object.entries(HISTOGRAMS).map(([name, kind]) => [metricName(name), kind] as const),
]);

describe("every metric", () => {
  test("of the specification is there", () => {
    expect(PRESCRIBED.split(" ").filter((name) => !ALL.has(name))).toEqual([]);
  });

  test("says what it means and what to do about it", () => {
    for (const [name, { help, action }] of ALL) {
      expect([name, help.length > 5, action.length > 3]).toEqual([name, true, true]);
    }
  });

  test("has its unit in its name, and no other name has one", () => {
    for (const [name, kind] of ALL) {
      const [, inName = "1"] = /_(bytes|seconds)(?:_total)?$/.exec(name) ?? [];
      expect([name, unitOf(kind)]).toEqual([name, inName as "1"]);
    }
  });

  test("has a name once, in lower case and without units that are no base units", () => {
    const families = COUNTER_NAMES.length + GAUGE_NAMES.length + Object.keys(HISTOGRAMS).length;
    expect(ALL.size).toBe(families);
    for (const name of ALL.keys()) {
      expect(name).toMatch(/^(mir|process)_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|kb|mb|percent)(_|$)/);
    }
  });
});
