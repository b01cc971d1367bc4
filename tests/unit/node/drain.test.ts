/** The end of a node, in order. */

import { expect, test } from "bun:test";
import { makeDrain } from "../../../src/node/drain.ts";
import { silentLog } from "../../../src/observe/log.ts";

test("everybody is told before the grace, and everything ends after it", async () => {
  const steps: string[] = [];
  await makeDrain({
    graceMs: 1,
    begin: () => steps.push("told"),
    end: async () => {
      steps.push("ended");
    },
    log: silentLog,
  })();
  expect(steps).toEqual(["told", "ended"]);
});

test("what fails at the end is passed on", async () => {
  const end = async (): Promise<void> => {
    throw new Error("disk");
  };
  const drain = makeDrain({ graceMs: 0, begin: () => {}, end, log: silentLog });
  expect(drain()).rejects.toThrow("disk");
});
