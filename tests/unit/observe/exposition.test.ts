/** Prometheus text, read back by a strict parser. */

import { describe, expect, test } from "bun:test";
import {
  COUNTER_NAMES,
  createCounterMemory,
  openCounters,
  readCounters,
} from "../../../src/observe/counters.ts";
import { formatFor, renderMetrics } from "../../../src/observe/exposition.ts";
import { GAUGES, type Gauge } from "../../../src/observe/gauges.ts";
import {
  createHistogramMemory,
  LATENCY_OUTCOMES,
  openHistogram,
} from "../../../src/observe/histogram.ts";

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Map<string, Sample[]>;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^{}]*)\})? ([-+]?(?:Inf|NaN|[0-9.eE+-]+))$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"$/;

/** Throws on anything the format 0.0.4 does not allow, or that a family says twice or out of order. */
function parse(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  let name = "";
  let help: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [hash, word, subject = "", ...rest] = line.split(" ");
    if (hash === "#" && word === "HELP") {
      help = rest.join(" ").replaceAll("\\n", "\n").replaceAll("\\\\", "\\");
      name = subject;
    } else if (hash === "#" && word === "TYPE") {
      if (subject !== name || help === undefined) throw new Error(`TYPE without HELP: ${line}`);
      if (families.has(name)) throw new Error(`${name} twice`);
      families.set(name, { type: rest.join(" "), help, samples: new Map() });
      help = undefined;
    } else if (hash === "#" && word === "UNIT") {
      if (subject !== name || rest.length !== 1) throw new Error(`astray: ${line}`);
    } else {
      addSample(families.get(name), name, line);
    }
  }
  return families;
}

function addSample(family: Family | undefined, name: string, line: string): void {
  const match = LINE.exec(line);
  if (match === null || family === undefined) throw new Error(`no sample: ${line}`);
  const [, sample = "", labelText = "", valueText = ""] = match;
  const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => sample === name + suffix)) throw new Error(`astray: ${line}`);
  const labels = Object.fromEntries(
    labelText
      .split(",")
      .filter((text) => text !== "")
      .map((text) => {
        const [, key = "", value = ""] = LABEL.exec(text) ?? [];
        if (key === "") throw new Error(`no label: ${text}`);
        return [key, value];
      }),
  );
  const value = Number(valueText.replace("Inf", "Infinity"));
  family.samples.set(sample, [...(family.samples.get(sample) ?? []), { labels, value }]);
}

function render(gauges: readonly Gauge[] = [], fill?: (memory: SharedArrayBuffer) => void): string {
  const memory = createCounterMemory(2);
  openCounters(memory, 0).add("lru_hit", 3);
  openCounters(memory, 1).add("lru_hit", 4);
  const latencies = createHistogramMemory(2);
  fill?.(latencies);
  return renderMetrics({ counters: readCounters(memory), gauges, latencies });
}

describe("the metrics", () => {
  test("hold every counter once, under its prefix and suffix, with its meaning", () => {
    const families = parse(render());
    for (const name of COUNTER_NAMES) {
      const family = families.get(`mir_${name}_total`);
      expect(family?.type).toBe("counter");
      expect(family?.help.length).toBeGreaterThan(5);
      expect(family?.samples.get(`mir_${name}_total`)).toHaveLength(1);
    }
    const hits = families.get("mir_lru_hit_total")?.samples.get("mir_lru_hit_total");
    expect(hits).toEqual([{ labels: {}, value: 7 }]);
  });

  test("hold the gauges they are given", () => {
    const gauges = [
      { name: "cache_bytes", value: 2 ** 50 },
      { name: "image_busy", value: Number.NaN },
      { name: "hot_items", value: Number.POSITIVE_INFINITY },
      { name: "hot_copies", value: Number.NEGATIVE_INFINITY },
    ] as const;
    const families = parse(render(gauges));
    for (const { name, value } of gauges) {
      const family = families.get(`mir_${name}`);
      expect([family?.type, family?.help]).toEqual(["gauge", GAUGES[name].help]);
      expect(family?.samples.get(`mir_${name}`)).toEqual([{ labels: {}, value }]);
    }
  });

  test("hold a gauge of several peers as one family with a label", () => {
    const family = parse(
      render([
        { name: "peer_up", labels: { peer: "edge-1" }, value: 1 },
        { name: "peer_up", labels: { peer: "edge-2" }, value: 0 },
      ]),
    ).get("mir_peer_up");
    expect(family?.samples.get("mir_peer_up")).toEqual([
      { labels: { peer: "edge-1" }, value: 1 },
      { labels: { peer: "edge-2" }, value: 0 },
    ]);
  });

  test("hold any path as a label", () => {
    const labels = { dir: '/a "b"\\c\nd' };
    const text = render([{ name: "cache_disk_well", labels, value: 1 }]);
    expect(text).toContain('mir_cache_disk_well{dir="/a \\"b\\"\\\\c\\nd"} 1\n');
  });

  test("hold the latencies as a histogram by outcome: growing buckets up to the count", () => {
    const family = parse(
      render([], (memory) => {
        const histogram = openHistogram(memory, 1);
        for (const seconds of [0.0001, 0.02, 0.02, 100]) histogram.observe("hit", seconds);
        openHistogram(memory, 0).observe("stand-in", 1);
      }),
    ).get("mir_http_request_seconds");
    expect(family?.type).toBe("histogram");
    const of = (suffix: string, outcome: string) =>
      (family?.samples.get(`mir_http_request_seconds_${suffix}`) ?? [])
        .filter((sample) => sample.labels["outcome"] === outcome)
        .map(({ labels, value }) => (suffix === "bucket" ? [labels["le"], value] : value));
    expect(of("bucket", "hit")).toEqual([
      ...["0.00001", "0.000025", "0.00005"].map((le) => [le, 0]),
      ...["0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01"].map((le) => [le, 1]),
      ...["0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30"].map((le) => [le, 3]),
      ["+Inf", 4],
    ]);
    expect(of("count", "hit")).toEqual([4]);
    expect(of("sum", "hit")).toEqual([100.0401]);
    expect(of("sum", "stand-in")).toEqual([1]);
    for (const outcome of LATENCY_OUTCOMES) {
      expect([outcome, of("bucket", outcome).length, of("count", outcome).length]).toEqual([
        outcome,
        21,
        1,
      ]);
    }
  });

  test("say the unit of each, and of figures that every program has nothing but their names", () => {
    const text = render([
      { name: "cache_bytes", value: 1 },
      { name: "process_cpu_seconds_total", value: 2 },
    ]);
    expect(text).toContain("# UNIT mir_lru_hit_total 1\n");
    expect(text).toContain("# UNIT mir_http_bytes_total bytes\n");
    expect(text).toContain("# UNIT mir_cache_bytes bytes\n");
    expect(text).toContain("# UNIT mir_http_request_seconds seconds\n");
    expect(text).toContain(
      "# TYPE process_cpu_seconds_total counter\n# UNIT process_cpu_seconds_total seconds\nprocess_cpu_seconds_total 2\n",
    );
  });

  test("as OpenMetrics call a counter without its suffix, and end with a mark", () => {
    const memory = createCounterMemory(1);
    const gauges = [{ name: "process_cpu_seconds_total", value: 2 }] as const;
    const figures = {
      counters: readCounters(memory),
      gauges,
      latencies: createHistogramMemory(1),
    };
    const text = renderMetrics(figures, "openmetrics");
    expect(text).toContain("# TYPE mir_lru_hit counter\nmir_lru_hit_total 0\n");
    expect(text).toContain(
      "# TYPE mir_http_bytes counter\n# UNIT mir_http_bytes bytes\nmir_http_bytes_total 0\n",
    );
    expect(text).toContain(
      "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 2\n",
    );
    expect(text).toEndWith("\n# EOF\n");
  });

  test("are OpenMetrics for whoever asks for that", () => {
    const prometheus =
      "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    expect(formatFor(prometheus)).toBe("openmetrics");
    expect(formatFor("text/plain, application/openmetrics-text")).toBe("openmetrics");
    for (const other of [null, "*/*", "text/plain;version=0.0.4", "text/html"]) {
      expect(formatFor(other)).toBe("text");
    }
    expect(formatFor("application/openmetrics-text;q=0, text/plain")).toBe("text");
  });
});
