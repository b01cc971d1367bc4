/** How far a command is, told to people who watch and to those who do not. */

import { expect, test } from "bun:test";
import { inBatches, openProgress } from "../../../src/cli/progress.ts";
import { collectOutput } from "./demo/collected-output.ts";

test("on a terminal one line is written again and again, and taken back", () => {
  const screen = collectOutput({ isTerminal: true });
  {
    using progress = openProgress(screen, { json: false });
    progress.show("1 of 2");
    progress.show("2 of 2");
  }
  expect(screen.written).toEqual(["\r\x1b[2K1 of 2", "\r\x1b[2K2 of 2", "\r\x1b[2K"]);
  expect(screen.said).toEqual([]);
});

test("elsewhere a line is added now and then, and machines get none", () => {
  let now = 0;
  const file = collectOutput();
  const progress = openProgress(file, { json: false, nowMs: () => now });
  for (now = 0; now < 12_000; now += 1000) progress.show(`${now} ms`);
  expect(file.said).toEqual(["6000 ms"]);
  const machine = collectOutput({ isTerminal: true });
  openProgress(machine, { json: true }).show("1 of 2");
  expect([...machine.said, ...machine.written]).toEqual([]);
});

test("batches have all there is, in order", () => {
  expect(inBatches([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(inBatches([], 2)).toEqual([]);
});
