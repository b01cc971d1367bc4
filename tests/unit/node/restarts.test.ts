/** When a dead worker is started again. */

import { expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { makeRestarts } from "../../../src/node/restarts.ts";

const { workerRestartFirstMs, workerRestartLongestMs, workerSettledMs } = DEADLINES;

function tried() {
  let nowMs = 1_000;
  const restarts = makeRestarts({ monotonicMs: () => nowMs, wallSeconds: () => 0 });
  return {
    restarts,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

test("the wait doubles while it keeps dying, up to the longest", () => {
  const { restarts, pass } = tried();
  const waits = Array.from({ length: 10 }, () => {
    restarts.served();
    pass(1_000);
    return restarts.died();
  });
  expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * workerRestartFirstMs));
  expect(waits.at(-1)).toBe(workerRestartLongestMs);
  expect([restarts.count, restarts.inARow]).toEqual([10, 10]);
});

test("being ready is not enough for a short wait: it has to serve for a while", () => {
  const { restarts, pass } = tried();
  restarts.died();
  restarts.served();
  pass(workerSettledMs - 1);
  expect(restarts.inARow).toBe(1);
  expect(restarts.died()).toBe(2 * workerRestartFirstMs);
  restarts.served();
  pass(workerSettledMs);
  expect(restarts.inARow).toBe(0);
  expect(restarts.died()).toBe(workerRestartFirstMs);
  expect(restarts.count).toBe(3);
});

test("it tells how long it has been away, and when it is tried again", () => {
  const { restarts, pass } = tried();
  restarts.served();
  pass(5_000);
  expect([restarts.awayMs, restarts.nextTryMs]).toEqual([0, 0]);
  const waitMs = restarts.died();
  pass(40);
  expect([restarts.awayMs, restarts.nextTryMs]).toEqual([40, waitMs - 40]);
  pass(60_000);
  expect([restarts.awayMs, restarts.nextTryMs]).toEqual([60_040, 0]);
  restarts.died();
  expect(restarts.awayMs).toBe(60_040);
  restarts.served();
  expect([restarts.awayMs, restarts.nextTryMs]).toEqual([0, 0]);
});
