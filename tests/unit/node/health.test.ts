/** What the state of its worker threads means for a node. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { type WorkerReport, whyLost, whyUnready, workerRemarks } from "../../../src/node/health.ts";

const { workerLostMs } = DEADLINES;

function worker(state: WorkerReport["state"], more: Partial<WorkerReport> = {}): WorkerReport {
  return { worker: 1, state, restarts: 0, inARow: 0, awayMs: 0, nextTryMs: 0, ...more };
}

const GOOD = worker("serving", { worker: 2 });

describe("a node is ready", () => {
  test("while one worker serves and others start again", () => {
    const workers = [worker("restarting", { awayMs: 10 * workerLostMs }), GOOD];
    expect(whyUnready(workers)).toBeUndefined();
    expect(whyLost(workers)).toBeUndefined();
  });

  test("while a worker has stalled for a moment", () => {
    expect(whyUnready([worker("stalled", { awayMs: workerLostMs - 1 }), GOOD])).toBeUndefined();
  });

  test("not when no worker serves", () => {
    const workers = [worker("restarting", { awayMs: 5 }), worker("stalled", { awayMs: 4_000 })];
    expect(whyUnready(workers)).toBe("no worker serves");
    expect(whyLost(workers)).toBeUndefined();
  });

  test("not when one worker has stalled for long: it gets connections all the same", () => {
    const workers = [worker("stalled", { awayMs: workerLostMs }), GOOD];
    expect(whyUnready(workers)).toBe("worker 1 has stalled for long");
  });
});

describe("only a restart helps a node", () => {
  test("one worker of which has stalled for long", () => {
    const workers = [worker("stalled", { awayMs: workerLostMs }), GOOD];
    expect(whyLost(workers)).toBe("worker 1 has stalled for long");
  });

  test("no worker of which has served for long", () => {
    const workers = [1, 2].map((i) => worker("restarting", { worker: i, awayMs: workerLostMs }));
    expect(whyLost(workers)).toBe("no worker has served for long");
  });
});

test("what is out of order has a line for each worker", () => {
  expect(workerRemarks([GOOD])).toEqual([]);
  expect(
    workerRemarks([
      worker("restarting", { nextTryMs: 1_600, inARow: 5 }),
      worker("stalled", { worker: 3, awayMs: 4_200 }),
      worker("serving", { worker: 4, inARow: 3 }),
      worker("starting", { worker: 5, inARow: 1 }),
    ]),
  ).toEqual([
    "worker 1: restarting in 1.6 s; it has died 5 times in a row",
    "worker 3: stalled for 4.2 s",
    "worker 4: serving; it has died 3 times in a row",
    "worker 5: starting",
  ]);
});
