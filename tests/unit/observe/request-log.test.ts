/** Lines for single requests: which of them are written. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { LogFields } from "../../../src/observe/log.ts";
import { makeRequestLog, type RequestLogSettings } from "../../../src/observe/request-log.ts";

function logOf(settings: Partial<RequestLogSettings> & { readonly chances?: number[] }) {
  const lines: LogFields[] = [];
  let nowMs = 0;
  const { chances = [], ...rest } = settings;
  const write = (event: string, fields: LogFields): void => void lines.push({ event, ...fields });
  const log = makeRequestLog({
    ...{ share: 1, slowMs: 1000, timing: "durations", clientAddress: false },
    ...rest,
    clock: { monotonicMs: () => nowMs, wallSeconds: () => 0 },
    random: () => chances.shift() ?? 0.999,
    write,
    warn: write,
  });
  return { log, lines, pass: (ms: number) => (nowMs += ms) };
}

const ordinary = { remarkable: false };

describe("the access log", () => {
  test("of a share has the requests that chance picks, and each line says the share", () => {
    const { log, lines } = logOf({ share: 0.25, chances: [0.1, 0.25, 0.9, 0.249] });
    for (let n = 0; n < 4; n++) log.line("request", { n }, { ...ordinary, picked: log.picks() });
    expect(lines).toEqual([
      { event: "request", n: 0, share: 0.25 },
      { event: "request", n: 3, share: 0.25 },
    ]);
  });

  test("of all has all, and that is off has none, not even what fails", () => {
    const all = logOf({ share: 1 });
    all.log.line("request", {}, { ...ordinary, picked: all.log.picks() });
    expect(all.lines).toEqual([{ event: "request" }]);
    const off = logOf({ share: 0, chances: [0] });
    off.log.line("request", {}, { picked: off.log.picks(), remarkable: true });
    expect(off.lines).toEqual([]);
  });

  test("has what is remarkable though chance did not pick it, within a rate", () => {
    const { log, lines, pass } = logOf({ share: 0.01 });
    const fail = (): void => log.line("request", {}, { picked: false, remarkable: true });
    for (let n = 0; n < LIMITS.remarkableLinesMax + 7; n++) fail();
    expect(lines.length).toBe(LIMITS.remarkableLinesMax);
    expect(lines[0]).toEqual({ event: "request", sampled: false });
    pass(1000);
    fail();
    expect(lines.at(-1)).toEqual({ event: "request", sampled: false, suppressed: 7 });
  });
});

describe("the slow-request log", () => {
  test("begins at slow_ms, and 0 turns it off", () => {
    const { log } = logOf({ slowMs: 250 });
    expect([log.isSlow(249.9), log.isSlow(250)]).toEqual([false, true]);
    expect(logOf({ slowMs: 0 }).log.isSlow(60_000)).toBe(false);
  });

  test("has a rate", () => {
    const { log, lines, pass } = logOf({});
    for (let n = 0; n < LIMITS.slowLinesMax + 3; n++) log.slow("slow request", { n });
    expect(lines.length).toBe(LIMITS.slowLinesMax);
    pass(1000);
    log.slow("slow request", {});
    expect(lines.at(-1)).toEqual({ event: "slow request", suppressed: 3 });
  });
});
