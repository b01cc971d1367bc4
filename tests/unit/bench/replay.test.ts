/** The replay of traces: every contender sees the same requests, and figures that can be counted by hand. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { replayTrace } from "../../../bench/support/replay.ts";
import { readTrace, type Trace, zipfTrace } from "../../../bench/support/traces.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "mir-replay-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function traceOf(content: string | Uint8Array, format: "text" | "ids" | "oracleGeneral"): Trace {
  const path = join(dir, "trace");
  writeFileSync(path, content);
  return readTrace(path, format);
}

const LINES = "# time id bytes\n1 a 100\n2 b 5000\n3 a 100\n\n4,c,4096\n";

describe("a trace", () => {
  test("of text is read line by line, packed or not", () => {
    const wanted = { objects: [0, 1, 0, 2], bytes: [100, 5000, 100, 4096] };
    for (const [end, pack] of [
      ["", Buffer.from],
      [".gz", gzipSync],
      [".zst", zstdCompressSync],
    ] as const) {
      const path = join(dir, `trace${end}`);
      writeFileSync(path, pack(LINES));
      const { objects, bytes, objectCount } = readTrace(path, "text");
      expect({ objects: [...objects], bytes: [...bytes] }).toEqual(wanted);
      expect(objectCount).toBe(3);
    }
  });

  test("of text without sizes gives each id the same made-up size every time", () => {
    const { bytes } = traceOf("1 a\n2 b\n3 a\n", "text");
    expect(bytes[0]).toBe(bytes[2] ?? 0);
    expect(bytes[0]).not.toBe(bytes[1] ?? 0);
  });

  test("of text that is none is refused with its line", () => {
    expect(() => traceOf("1 a 5\n2 b many\n", "text")).toThrow("line 2");
    expect(() => traceOf("1\n", "text")).toThrow("line 1");
  });

  test("of libCacheSim has 24 bytes a request, a cut one is left out", () => {
    const content = Buffer.alloc(24 * 2 + 5);
    content.writeBigUInt64LE(2n ** 60n + 1n, 4);
    content.writeUInt32LE(77, 12);
    content.writeBigUInt64LE(2n ** 60n + 2n, 28);
    content.writeUInt32LE(4_000_000_000, 36);
    const { objects, bytes } = traceOf(content, "oracleGeneral");
    expect([...objects]).toEqual([0, 1]);
    expect([...bytes]).toEqual([77, 4_000_000_000]);
  });

  test("of ids alone has them big-endian", () => {
    const content = Buffer.alloc(12);
    for (const [i, id] of [7, -7, 7].entries()) content.writeInt32BE(id, i * 4);
    expect([...traceOf(content, "ids").objects]).toEqual([0, 1, 0]);
  });
});

describe("a replay", () => {
  test("counts misses and their bytes, for a cache that holds everything", () => {
    const report = replayTrace(traceOf(LINES, "text"), 1);
    expect(report).toMatchObject({ requests: 4, objects: 3, footprintBytes: 4 * 4096 });
    expect(report.capacityBytes).toBe(4 * 4096);
    expect(report.results.map((one) => one.policy)).toEqual([
      "mir s3-fifo",
      "mir lru",
      "SIEVE",
      "lru-cache (npm)",
    ]);
    for (const { missRatio, byteMissRatio } of report.results) {
      expect(missRatio).toBe(3 / 4);
      expect(byteMissRatio).toBe(9196 / 9296);
    }
  });

  test("gives no hits to a cache of one block through which a circle of blocks goes", () => {
    const report = replayTrace(traceOf("1 a 1\n2 b 1\n3 a 1\n4 b 1\n", "text"), 0.5);
    for (const { missRatio } of report.results) expect(missRatio).toBe(1);
  });

  test("of a few requests ends as counted by hand", () => {
    // three blocks: a is hit twice and d once, everything else is asked for once
    const trace = traceOf("1 a 1\n2 b 1\n3 a 1\n4 c 1\n5 d 1\n6 a 1\n7 e 1\n8 d 1\n", "text");
    const misses = replayTrace(trace, 0.6).results.map(({ missRatio }) => missRatio * 8);
    expect(misses).toEqual([5, 5, 5, 5]);
  });

  test("is passed over by what is larger than the cache", () => {
    const report = replayTrace(traceOf("1 a 1\n2 big 40960\n3 a 1\n4 big 40960\n", "text"), 0.5);
    for (const { missRatio } of report.results) expect(missRatio).toBe(3 / 4);
  });

  test("of popular objects among such as nobody asks for twice: S3-FIFO misses least", () => {
    const trace = zipfTrace({
      ...{ requests: 30_000, objects: 4000, skew: 0.9 },
      ...{ onceShare: 0.2, seed: 3 },
    });
    const [fifo, lru, sieve, npm] = replayTrace(trace, 0.1).results;
    for (const rival of [lru, sieve, npm]) {
      expect(fifo?.missRatio).toBeLessThan(rival?.missRatio ?? 0);
      expect(fifo?.byteMissRatio).toBeLessThan(rival?.byteMissRatio ?? 0);
    }
    // sampled, and yet an LRU
    expect(Math.abs((lru?.missRatio ?? 0) / (npm?.missRatio ?? 1) - 1)).toBeLessThan(0.02);
  });
});
