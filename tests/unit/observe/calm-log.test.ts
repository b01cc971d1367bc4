/** What is broken is told, and not by every request. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { calmLog, REPEATED } from "../../../src/observe/calm-log.ts";
import { type Log, type LogFields, silentLog } from "../../../src/observe/log.ts";

function watched() {
  const lines: [string, LogFields][] = [];
  let nowMs = 0;
  const write = (event: string, fields: LogFields = {}): void => void lines.push([event, fields]);
  const all: Log = { debug: write, info: write, warn: write, error: write };
  return {
    log: calmLog(all, { monotonicMs: () => nowMs, wallSeconds: () => 0 }),
    lines,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

describe("an event that requests repeat", () => {
  test("is told at once, then once in a while with how many were left out", () => {
    const { log, lines, pass } = watched();
    for (let i = 0; i < 1000; i++) log.info("peer failed", { peer: "edge-2", turn: i });
    expect(lines).toEqual([["peer failed", { peer: "edge-2", turn: 0 }]]);
    pass(DEADLINES.logRepeatMs);
    log.info("peer failed", { peer: "edge-2", turn: 1000 });
    expect(lines.slice(1)).toEqual([
      ["peer failed", { peer: "edge-2", turn: 1000, suppressed: 999 }],
    ]);
    pass(DEADLINES.logRepeatMs);
    log.info("peer failed", { peer: "edge-2" });
    expect(lines.slice(2)).toEqual([["peer failed", { peer: "edge-2" }]]);
  });

  test("is another one for another peer or reason", () => {
    const { log, lines } = watched();
    log.info("peer failed", { peer: "edge-2" });
    log.info("peer failed", { peer: "edge-3" });
    log.warn("peer refused", { peer: "edge-2", reason: "silent" });
    log.warn("peer refused", { peer: "edge-2", reason: "bad frame" });
    log.warn("peer refused", { peer: "edge-2", reason: "bad frame" });
    expect(lines.length).toBe(4);
  });

  test("is told once of each picture that is broken", () => {
    const { log, lines } = watched();
    for (const event of ["image job refused", "image job took too long", "image worker died"]) {
      const told = { code: "undecodable", reason: "SIGSEGV" };
      for (const id of ["a", "b", "a", "b"]) log.info(event, { id, ...told });
    }
    expect(lines.map(([, { id }]) => id)).toEqual(["a", "b", "a", "b", "a", "b"]);
  });

  test("any other event is passed on each time, and debug always", () => {
    const { log, lines } = watched();
    for (let i = 0; i < 3; i++) log.info("draining");
    for (let i = 0; i < 3; i++) log.debug("peer failed", { peer: "edge-2" });
    expect(lines.length).toBe(6);
  });

  test("troubles are remembered up to a limit, the oldest forgotten first", () => {
    const { log, lines } = watched();
    const of = (i: number) => log.info("peer failed", { peer: `edge-${i}` });
    for (let i = 0; i <= LIMITS.logTroublesMax; i++) of(i);
    const before = lines.length;
    of(LIMITS.logTroublesMax);
    expect(lines.length).toBe(before);
    of(0);
    expect(lines.length).toBe(before + 1);
  });

  test("no name in the list is out of use", async () => {
    const files = await Array.fromAsync(new Bun.Glob("src/**/*.ts").scan("."));
    const code = files
      .filter((file) => !file.endsWith("calm-log.ts"))
      .map((file) => readFileSync(file, "utf8"))
      .join("");
    expect(Object.keys(REPEATED).filter((event) => !code.includes(`"${event}"`))).toEqual([]);
  });

  test("and a log that drops everything stays one", () => {
    expect(() =>
      calmLog(silentLog, { monotonicMs: () => 0, wallSeconds: () => 0 }).warn("x"),
    ).not.toThrow();
  });
});
