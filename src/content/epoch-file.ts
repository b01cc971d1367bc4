/** What a node remembers of topologies over restarts: whether its content has been moved to where it belongs. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writeDurably } from "../base/durable.ts";
import { isMissing } from "../base/errno.ts";
import type { Log } from "../observe/log.ts";

export interface EpochState {
  /** Of the topology that the rest is about. */
  readonly epoch: string;
  /** Unix seconds at which this node first had it. */
  readonly since: number;
  /** A whole pass has found nothing left here that others own. */
  readonly settled: boolean;
  /** Variants moved away since then, and their bytes. */
  readonly moved: number;
  readonly movedBytes: number;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const STATE = v.strictObject({
  epoch: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  since: count,
  settled: v.boolean(),
  moved: count,
  movedBytes: count,
});

/**
 * The state to go on with. An empty cache has nothing to move, but its node may own what others still hold, so
 * `since` is now whenever the epoch is new here.
 */
export function stateFor(
  known: EpochState | undefined,
  now: { readonly epoch: string; readonly variants: number; readonly wallSeconds: number },
): EpochState {
  const { epoch, variants, wallSeconds } = now;
  if (known?.epoch === epoch) return known;
  return { epoch, since: wallSeconds, settled: variants === 0, moved: 0, movedBytes: 0 };
}

/** undefined when there is none, or none that can be believed: the topology counts as new then. */
export function readEpochFile(cacheDir: string, log: Log): EpochState | undefined {
  const path = pathIn(cacheDir);
  try {
    return v.parse(STATE, JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (!isMissing(error)) {
      log.warn("rebalance.state_unreadable", { path, error, effect: "all content is looked over" });
    }
    return undefined;
  }
}

/** Durable when it returns. */
export function writeEpochFile(cacheDir: string, state: EpochState): void {
  const { epoch, since, settled, moved, movedBytes } = state;
  writeDurably({
    path: pathIn(cacheDir),
    tempPath: join(cacheDir, ".mir", "tmp", "epoch"),
    text: `${JSON.stringify({ epoch, since, settled, moved, movedBytes })}\n`,
  });
}

function pathIn(cacheDir: string): string {
  return join(cacheDir, ".mir", "epoch");
}
