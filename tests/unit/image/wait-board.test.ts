/** What one more image job would wait, as every thread reads it. */

import { describe, expect, test } from "bun:test";
import { createWaitBoardMemory, openWaitBoard } from "../../../src/image/wait-board.ts";
import { makeWaiting } from "../../../src/image/waiting.ts";
import { makeJob } from "../../support/image-jobs.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const SMALL = { box: { width: 320, height: 240 }, format: "jpg" } as const;
const LARGE = { box: { width: 2048, height: 1536 }, format: "jpg" } as const;

describe("the board", () => {
  test("tells by what is to be made, in every view of its memory", () => {
    const memory = createWaitBoardMemory();
    const board = openWaitBoard(memory);
    expect([board.waitMs(SMALL), board.waitMs(LARGE)]).toEqual([0, 0]);
    openWaitBoard(memory).post({ small: 20, now: 4000 });
    expect([board.waitMs(SMALL), board.waitMs(LARGE)]).toEqual([20, 4000]);
  });

  test("a lane without room is longer than any wait", () => {
    const board = openWaitBoard(createWaitBoardMemory());
    board.post({ small: Number.POSITIVE_INFINITY, now: 1 });
    expect([board.waitMs(SMALL), board.waitMs(LARGE)]).toEqual([Number.POSITIVE_INFINITY, 1]);
  });
});

test("what waits says what one more would wait, up to the bound of its lane", () => {
  const { counters, clock } = watchedParts();
  const queueMax = 3;
  const waiting = makeWaiting({
    ...{ workers: 1, queueMax, busy: () => 1 },
    ...{ counters, clock },
  });
  const job = makeJob("/nowhere/source", "/nowhere/target", LARGE);
  const waits: number[] = [];
  for (let n = 0; n < queueMax; n++) {
    waits.push(waiting.waits.now);
    waiting.add(job, { deadlineMs: 60_000 }).answer.promise.catch(() => undefined);
  }
  expect(waits).toEqual([100, 300, 500]);
  expect(waiting.waits.now).toBe(Number.POSITIVE_INFINITY);
  expect(waiting.waits.small).toBeLessThan(1000);
  waiting.takeOut();
});
