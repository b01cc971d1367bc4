/** Hits told to owners: batched, bounded, and a hint only. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { makeRecorder } from "../../../src/content/recorder.ts";
import type { Tell } from "../../../src/mesh/tell.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";

function fixture(fails = false) {
  const told: { peer: string; message: Tell }[] = [];
  const memory = createCounterMemory(1);
  let armed: (() => void) | undefined;
  const recorder = makeRecorder({
    counters: openCounters(memory, 0),
    links: {
      async tell(peer, message) {
        if (fails) throw new Fault("peer_failed", "away");
        told.push({ peer, message });
        return { ok: true, note: "recorded" };
      },
    },
    start(run) {
      armed = run;
      return () => {
        armed = undefined;
      };
    },
  });
  return {
    recorder,
    told,
    counters: () => readCounters(memory),
    isArmed: () => armed !== undefined,
  };
}

describe("the recorder", () => {
  test("adds up hits and tells each owner once", async () => {
    const { recorder, told, isArmed } = fixture();
    for (const relname of ["a", "b", "a"]) recorder.hit("edge-1", relname);
    recorder.hit("edge-2", "c");
    expect(isArmed()).toBe(true);
    await recorder.flush();
    expect(isArmed()).toBe(false);
    const hits = [
      { relname: "a", count: 2 },
      { relname: "b", count: 1 },
    ];
    expect(told).toEqual([
      { peer: "edge-1", message: { kind: "record", hits } },
      { peer: "edge-2", message: { kind: "record", hits: [{ relname: "c", count: 1 }] } },
    ]);
    await recorder.flush();
    expect(told).toHaveLength(2);
  });

  test("no message is over its limit", async () => {
    const { recorder, told } = fixture();
    for (let i = 0; i <= LIMITS.wireRecordsMax; i++) recorder.hit("edge-1", `name-${i}`);
    await recorder.flush();
    const lengths = told.map(({ message }) =>
      message.kind === "record" ? message.hits.length : 0,
    );
    expect(lengths).toEqual([LIMITS.wireRecordsMax, 1]);
  });

  test("names beyond the limit are lost and counted, those known go on", async () => {
    const { recorder, counters } = fixture();
    for (let i = 0; i < LIMITS.recordNamesMax + 3; i++) recorder.hit("edge-1", `name-${i}`);
    recorder.hit("edge-1", "name-0");
    expect(counters().record_lost).toBe(3);
  });

  test("an owner that is away costs its hits only", async () => {
    const { recorder, counters } = fixture(true);
    recorder.hit("edge-1", "a");
    await recorder.flush();
    expect(counters().record_lost).toBe(1);
  });
});
