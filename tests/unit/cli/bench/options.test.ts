/** The command line of `mir bench`: what a plan is made of, and every bound. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BENCH_LIMITS } from "../../../../src/cli/bench/bounds.ts";
import { isWholePath } from "../../../../src/cli/bench/id-pack.ts";
import { parseIds, readIds } from "../../../../src/cli/bench/ids.ts";
import {
  parseNumber,
  parseRate,
  parseShare,
  parseWeights,
} from "../../../../src/cli/bench/numbers.ts";
import { type BenchFlags, parseCanonical, parsePlan } from "../../../../src/cli/bench/options.ts";
import { type LoadPlan, partOf } from "../../../../src/cli/bench/plan.ts";
import { parseAddress } from "../../../../src/cli/bench/targets.ts";
import { UsageError } from "../../../../src/cli/usage.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";
import { smallFile } from "../../topology/small-file.ts";

const FLAGS: BenchFlags = {
  _: ["http://host:81"],
  ids: "alps,dunes",
  ...{ rate: "1000", connections: "64", threads: "1", ramp: "0", zipf: "0.9" },
  ...{ sizes: "xs=1,sm=3", formats: "jpg", misses: "0", timeout: "30s", seed: "1" },
};

const plan = (change: Partial<BenchFlags> = {}): LoadPlan => parsePlan({ ...FLAGS, ...change });
const refused = (change: Partial<BenchFlags>): string => {
  try {
    plan(change);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "nothing";
};

describe("a plan", () => {
  test("is an open loop of ten seconds where nothing else is said", () => {
    const { groups, ...rest } = plan();
    expect(groups.map(({ target }) => target)).toEqual([{ kind: "net", host: "host", port: 81 }]);
    expect(rest).toEqual({
      prefix: "puddle",
      variants: [
        { size: "xs", format: "jpg", weight: 1 },
        { size: "sm", format: "jpg", weight: 3 },
      ],
      ...{ zipf: 0.9, misses: 0, connections: 64, threads: 1, perSecond: 1000, rampMs: 0 },
      ...{ durationMs: 10_000, count: undefined, answerMs: 30_000, seed: 1 },
    });
  });

  test("asks for the usual sizes that a topology has, or for all of its own", () => {
    using dir = makeTempDir();
    const sizesOf = (...names: readonly string[]): string[] => {
      const sizes = names.map((n, i) => `[[sizes]]\nname = "${n}"\nwidth = ${9 + i}\nheight = 9`);
      const topology = join(dir.path, "mesh.toml");
      writeFileSync(topology, smallFile({}, ...sizes));
      const { variants } = plan({ _: [], topology, sizes: undefined });
      return variants.map(({ size, weight }) => `${size}=${weight}`);
    };
    expect(sizesOf()).toEqual(["xs=1", "sm=3", "md=3", "lg=1"]);
    expect(sizesOf("thumb", "md", "lg")).toEqual(["md=3", "lg=1"]);
    expect(sizesOf("thumb", "hero")).toEqual(["thumb=1", "hero=1"]);
    expect(plan({ sizes: undefined }).variants.map(({ size }) => size)).toContain("lg");
  });

  test("refuses a size that the topology has not, and boxes unless the next class is taken for them", () => {
    using dir = makeTempDir();
    const topology = join(dir.path, "mesh.toml");
    writeFileSync(topology, smallFile({}));
    const sizesOf = (sizes: string): string[] =>
      plan({ _: [], topology, sizes }).variants.map(({ size }) => size);
    expect(sizesOf("orig,sm,placeholder,320x240")).toContain("320x240");
    expect(() => sizesOf("sm,hero=2")).toThrow(/--sizes hero: the topology has orig,.*sm/);
    const exact = '[image]\npolicy = "exact"\nexact_sizes = ["320x240"]';
    writeFileSync(topology, smallFile({}, exact));
    expect(sizesOf("320x240")).toEqual(["320x240"]);
    expect(() => sizesOf("321x240")).toThrow(/--sizes 321x240: the topology has .*320x240/);
    expect(plan({ sizes: "hero" }).variants.map(({ size }) => size)).toContain("hero");
  });

  test("takes one id, and what is no id as a file", () => {
    expect(readIds("harbour-2024")).toEqual(["harbour-2024"]);
    for (const file of ["ids.txt", "lists/ids", "gone.json"]) {
      expect(() => readIds(file)).toThrow("there is no such file");
    }
    expect(() => readIds(tmpdir())).toThrow("it is a folder; photos in one are --photos");
  });

  test("has every number within its bounds", () => {
    const { threadsMax, connectionsMax, requestsPerSecondMax, countMax, zipfMax } = BENCH_LIMITS;
    const least = String(threadsMax);
    expect(plan({ threads: least }).threads).toBe(threadsMax);
    expect(refused({ threads: String(threadsMax + 1) })).toContain(`1 to ${threadsMax}`);
    expect(plan({ connections: String(connectionsMax) }).connections).toBe(connectionsMax);
    expect(refused({ connections: String(connectionsMax + 1) })).toContain(
      `1 to ${connectionsMax}`,
    );
    expect(refused({ threads: "8", connections: "7" })).toContain("expected 8 to");
    expect(plan({ rate: "1000k" }).perSecond).toBe(requestsPerSecondMax);
    expect(refused({ rate: "1001k/s" })).toContain(`0.1 to ${requestsPerSecondMax}`);
    expect(plan({ count: String(countMax) })).toMatchObject({
      count: countMax,
      durationMs: undefined,
    });
    expect(refused({ count: String(countMax + 1) })).toContain(`1 to ${countMax}`);
    expect(refused({ zipf: String(zipfMax + 1) })).toContain(`0 to ${zipfMax}`);
    expect(plan({ duration: "1440m" }).durationMs).toBe(BENCH_LIMITS.runMsMax);
    expect(refused({ duration: "1441m" })).toContain("expected 1ms to 1440m");
    expect(refused({ ramp: "1441m" })).toContain("0ms to 1440m");
    expect(refused({ seed: String(2 ** 32) })).toContain("0 to 4294967295");
    expect(plan({ closed: true }).perSecond).toBeUndefined();
  });

  test("has at most so many variants", () => {
    const sizes = Array.from({ length: BENCH_LIMITS.variantsMax }, (_, i) => `s${i}`).join(",");
    expect(plan({ sizes }).variants.length).toBe(BENCH_LIMITS.variantsMax);
    expect(refused({ sizes, formats: "jpg,webp" })).toContain("more than 64 variants");
    expect(refused({ formats: "jpg,tiff" })).toContain("tiff is no format");
    expect(refused({ sizes: "0x9" })).toContain('"0x9" is not NAME');
  });

  test("is parted among threads with nothing lost", () => {
    const whole = plan({ threads: "3", connections: "10", count: "100" });
    const parts = [0, 1, 2].map((n) => partOf(whole, n));
    expect(parts.map(({ connections }) => connections)).toEqual([4, 3, 3]);
    expect(parts.map(({ connectionsBefore }) => connectionsBefore)).toEqual([0, 4, 7]);
    expect(parts.map(({ count }) => count)).toEqual([34, 33, 33]);
    expect(parts.reduce((sum, part) => sum + (part.perSecond ?? 0), 0)).toBeCloseTo(1000, 9);
    expect(new Set(parts.map(({ seed }) => seed)).size).toBe(3);
  });

  test("of the canonical workload takes a few flags only", () => {
    const flags = { ...FLAGS, _: [], duration: "2s" };
    expect(parseCanonical(flags, ["--duration", "2s", "--json"])).toEqual({
      ...{ threads: 1, connections: 64, durationMs: 2000 },
    });
    expect(() => parseCanonical(flags, ["--zipf=2"])).toThrow("--zipf needs a target");
  });
});

describe("what is asked", () => {
  test("is an address with or without a path", () => {
    expect(parseAddress("http://[::1]")).toEqual({
      target: { kind: "net", host: "::1", port: 80 },
      path: undefined,
    });
    expect(parseAddress("http://h:81/a/b?c").path).toBe("/a/b?c");
    expect(parseAddress("unix:/run/x.sock").target).toEqual({ kind: "unix", path: "/run/x.sock" });
    for (const bad of ["", "host:80", "unix:x", "http://", "http://u@h/", "http://h/#f"]) {
      expect(() => parseAddress(bad)).toThrow(UsageError);
    }
  });

  test("may be asked of several listeners", () => {
    const { groups } = plan({ _: ["http://h:1", "unix:/run/x.sock"] });
    expect(groups.map(({ target }) => target)).toEqual([
      { kind: "net", host: "h", port: 1 },
      { kind: "unix", path: "/run/x.sock" },
    ]);
    const max = BENCH_LIMITS.targetsMax;
    expect(
      plan({ _: Array.from({ length: max }, () => "http://h"), connections: String(max) }),
    ).toBeDefined();
    const many = Array.from({ length: max + 1 }, () => "http://h");
    expect(refused({ _: many })).toContain(`more than ${max} targets`);
  });

  test("is said once", () => {
    expect(refused({ _: ["http://h/a.jpg"] })).toContain("leave out --ids");
    expect(refused({ _: ["http://h/a.jpg", "http://i"] })).toContain("the same path");
    expect(refused({ topology: "x.toml" })).toContain("not both");
    expect(refused({ photos: "." })).toContain("--ids or --photos");
    expect(refused({ prefix: "a/b" })).toContain("--prefix a/b");
  });

  test("is a web id, a path or a URL a line", () => {
    using dir = makeTempDir();
    const file = dir.write(
      "ids",
      "alps\r\n\n /puddle/x/sm/a.jpg \nhttp://any:1/puddle/y/md/b.webp?c\n",
    );
    const ids = ["alps", "/puddle/x/sm/a.jpg", "/puddle/y/md/b.webp?c"];
    expect(readIds(file)).toEqual(ids);
    const { groups } = plan({ ids: file });
    expect(ids.flatMap((_, n) => groups.map((group) => isWholePath(group.ids, n)))).toEqual([
      ...[false, true, true],
    ]);
  });

  test("has bounds, and its mistakes have a line", () => {
    expect(() => parseIds("a\nb c\n", "f")).toThrow("f, line 2: neither a web id nor a path");
    expect(() => parseIds("/a\x01b", "f")).toThrow("line 1");
    expect(() => parseIds("\n", "f")).toThrow("there is no id in it");
    expect(parseIds("a\nb", "f", 2)).toEqual(["a", "b"]);
    expect(() => parseIds("a\nb\nc", "f", 2)).toThrow("more than 2 ids");
    const long = `/${"x".repeat(BENCH_LIMITS.idCharsMax - 1)}`;
    expect(parseIds(long, "f")).toEqual([long]);
    expect(() => parseIds(`${long}x`, "f")).toThrow("line 1");
  });
});

describe("numbers", () => {
  test("of shares, rates and weights are read as people write them", () => {
    expect(["1%", "0.5%", "0.25", "100%"].map((text) => parseShare(text, "misses"))).toEqual([
      ...[0.01, 0.005, 0.25, 1],
    ]);
    expect(() => parseShare("much", "misses")).toThrow("--misses much: expected a share");
    const bounds = { flag: "rate", min: 0, max: 1e9 };
    expect(["5", "5/s", "1.5k", "2k/s"].map((text) => parseRate(text, bounds))).toEqual([
      ...[5, 5, 1500, 2000],
    ]);
    expect(() => parseRate("-5", bounds)).toThrow("--rate -5: expected so many a second");
    expect(() => parseNumber("1e3", bounds)).toThrow("expected a number");
    const weights = { flag: "sizes", name: /^[a-z]+$/ };
    expect([...parseWeights("md=5, sm,xs=0", weights)]).toEqual([
      ["md", 5],
      ["sm", 1],
    ]);
    expect(() => parseWeights("md,md=2", weights)).toThrow("md is there twice");
    expect(() => parseWeights("md=0", weights)).toThrow("every weight is 0");
  });
});
