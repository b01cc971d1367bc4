/** The end of a node: not ready at once, a while of grace, then everything in order and in time (spec §8). */

import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import type { Log } from "../observe/log.ts";
import { bounded } from "./bounded.ts";

/** Rejects with `too_slow` when `end` hangs; what it has not done then, the next start does without. */
export function makeDrain(options: {
  readonly graceMs: number | undefined;
  /** Tells clients, peers and whoever balances load. */
  readonly begin: () => void;
  readonly end: () => Promise<void>;
  readonly log: Log;
}): () => Promise<void> {
  const { graceMs = DEADLINES.drainGraceMs, begin, end, log } = options;
  return async () => {
    begin();
    log.info("draining", { graceMs });
    await Bun.sleep(graceMs);
    if (!(await bounded(end(), DEADLINES.drainLongestMs))) {
      throw new Fault("too_slow", "the node did not end in time; it is left as after a crash");
    }
    log.info("stopped");
  };
}
