/** A store that breaks under load is asked at a bounded rate, by all threads of a node together. */

import { describe, expect, test } from "bun:test";
import { BREAKER } from "../../../src/base/breaker.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { createOriginMemory, originStates } from "../../../src/origin/guard.ts";
import { openOrigins } from "../../../src/origin/origin.ts";
import { codeOf } from "../../support/bodies.ts";
import { type FaultyS3, startFaultyS3 } from "../../support/faulty-s3.ts";
import { openS3, SHORT_WAITS } from "../../support/s3-origin.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const KNOWN = { deadlineMs: 10_000, ext: "jpg" };
const FAULTS = [{ kind: "status", status: 500 }, { kind: "hang-up" }, { kind: "silence" }] as const;

/** The same store as two threads of a node have it. */
function twoThreads(s3: FaultyS3) {
  const breakers = createOriginMemory();
  const parts = watchedParts();
  const spec = { kind: "s3", name: "store", endpoint: s3.endpoint, region: "eu-test-1" } as const;
  const open = () =>
    openOrigins([{ ...spec, bucket: "photos", prefix: "", pathStyle: true }], {
      ...parts,
      ...{ waits: SHORT_WAITS, secrets: s3.keys, breakers },
    });
  const [one, other] = [open(), open()];
  if (one === undefined || other === undefined) throw new Error("no origin");
  return { threads: [one, other], breakers, parts };
}

describe("a broken store", () => {
  for (const fault of FAULTS) {
    test(`that answers with ${fault.kind} is left alone by all threads`, async () => {
      using s3 = startFaultyS3();
      s3.fault = () => fault;
      const { threads, breakers, parts } = twoThreads(s3);
      for (let i = 0; i < BREAKER.errorsMax; i++) {
        await codeOf(threads[i % 2]?.open(`picture-${i}`, KNOWN) ?? Promise.resolve());
      }
      const before = s3.requests.length;
      const refused = await Promise.all(
        Array.from({ length: 1000 }, (_, i) =>
          codeOf(threads[i % 2]?.open(`picture-${i}`, KNOWN) ?? Promise.resolve()),
        ),
      );
      expect(new Set(refused)).toEqual(new Set(["bad_origin"]));
      // each name is tried twice at most, and each second has one trial at first
      expect(s3.requests.length - before).toBeLessThanOrEqual(2);
      expect(parts.count("origin_refused")).toBeGreaterThan(900);
      expect(originStates(breakers, ["store"]).map((s) => s.leftAlone)).toEqual([
        ...[true, false, false],
      ]);
    });
  }

  test("is asked by no more lookups at once than originLookupsMax, hanging as it may", async () => {
    using s3 = startFaultyS3();
    s3.fault = () => ({ kind: "silence" });
    const origin = openS3(s3);
    const asked = Array.from({ length: LIMITS.originLookupsMax + 50 }, (_, i) =>
      codeOf(origin.open(`picture-${i}`, { ...KNOWN, deadlineMs: 100 })),
    );
    const codes = await Promise.all(asked);
    expect(codes.filter((code) => code === "overloaded")).toHaveLength(50);
    expect(s3.requests.length).toBeLessThanOrEqual(LIMITS.originLookupsMax);
    expect(await codeOf(origin.open("one-more", { ...KNOWN, deadlineMs: 100 }))).toBe("too_slow");
  });
});
