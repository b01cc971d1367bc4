/** What `/metrics` of a running node says, read by parsers that none of us wrote. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import parse from "parse-prometheus-text-format";
import { COUNTER_NAMES } from "../../src/observe/counters.ts";
import { GAUGE_NAMES, gaugeKind } from "../../src/observe/gauges.ts";
import { metricName } from "../../src/observe/metric.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { complaintsAbout, PROMTOOL } from "../support/promtool.ts";
import { makeTempDir } from "../support/temp-dir.ts";

/** Nodes without certificates have none to tell of (31-public-tls). */
const OF_CERTIFICATES = "certificate_expiry_seconds";

const photos = makeTempDir();
let mesh: Mesh;

beforeAll(async () => {
  await writePicture(photos.path, "harbour.jpg", { width: 1200, height: 800 });
  mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
    server: { workers: 2 },
  });
  for (const edge of ["edge-1", "edge-2"]) {
    for (let i = 0; i < 8; i++) {
      await (await mesh.get(edge, "/puddle/harbour/md/a.jpg")).bytes();
    }
    await (await mesh.get(edge, "/puddle/nothing/md/a.jpg")).bytes();
  }
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

async function metricsOf(name: string, accept = "*/*"): Promise<Response> {
  const unix = join(mesh.node(name).cacheDir, ".mir/admin.sock");
  return fetch("http://admin/metrics", { unix, headers: { accept } });
}

const PROMTOOL_TEST =
  PROMTOOL === undefined
    ? "promtool has nothing to say (skipped: it is not installed; Debian's package is prometheus)"
    : "promtool has nothing to say";

describe("the metrics of a running node", () => {
  test.skipIf(PROMTOOL === undefined)(`${PROMTOOL_TEST}`, async () => {
    for (const name of ["edge-1", "regional-1"]) {
      expect(await complaintsAbout(await (await metricsOf(name)).text())).toBe("");
    }
  });

  test("are read by a parser of others, every metric with its meaning", async () => {
    const families = new Map(
      parse(await (await metricsOf("edge-1")).text()).map((family) => [family.name, family]),
    );
    for (const name of COUNTER_NAMES) {
      const family = families.get(`${metricName(name)}_total`);
      expect([name, family?.type, family?.metrics.length]).toEqual([name, "COUNTER", 1]);
    }
    for (const name of GAUGE_NAMES.filter((one) => one !== OF_CERTIFICATES)) {
      const type = (gaugeKind(name).type ?? "gauge").toUpperCase();
      expect([name, families.get(metricName(name))?.type]).toEqual([name, type]);
    }
    expect([...families.values()].filter(({ help }) => help.length < 5)).toEqual([]);
    expect(families.get("mir_http_request_seconds")?.type).toBe("HISTOGRAM");
  });

  test("each have a unit", async () => {
    const text = await (await metricsOf("edge-1")).text();
    const named = (word: string): string[] =>
      [...text.matchAll(new RegExp(`^# ${word} (\\S+)`, "gm"))].map(([, name = ""]) => name);
    expect(named("UNIT")).toEqual(named("TYPE"));
    expect(named("UNIT")).toEqual(named("HELP"));
  });

  test("count the answers of all workers in one histogram, as many as there were", async () => {
    const text = await (await metricsOf("edge-1")).text();
    const counts = [...text.matchAll(/^mir_http_request_seconds_count\{\S+ (\d+)$/gm)];
    expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(9);
  });

  test("are OpenMetrics where that is asked for", async () => {
    const answer = await metricsOf("edge-1", "application/openmetrics-text; version=1.0.0");
    expect(answer.headers.get("content-type")).toStartWith("application/openmetrics-text");
    const text = await answer.text();
    expect(text).toContain("# TYPE mir_lru_hit counter\n");
    expect(text).toContain("# UNIT mir_cache_bytes bytes\n");
    expect(text).toEndWith("\n# EOF\n");
    // of a family all lines stand together, under a name that no other one has
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(families).size).toBe(families.length);
  });

  test("say what the process is, and how late its threads are", async () => {
    const text = await (await metricsOf("edge-1")).text();
    const figure = (name: string): number =>
      Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    expect(figure("process_resident_memory_bytes")).toBeGreaterThan(10 * 2 ** 20);
    expect(figure("process_open_fds")).toBeGreaterThan(3);
    expect(figure("process_open_fds")).toBeLessThan(figure("process_max_fds"));
    expect(figure("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(figure("process_start_time_seconds")).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    const threads = [...text.matchAll(/^mir_thread_lag_seconds\{thread="(\d)"\}/gm)];
    expect(threads.map(([, thread]) => thread)).toEqual(["0", "1", "2"]);
    expect(text).toMatch(/^mir_build_info\{version="[^"]+",runtime="bun [0-9.]+"\} 1$/m);
  });
});
