/** Main's part of rebalancing: what is remembered of topologies, how long threads probe, the passes. */

import type { Clock } from "../base/clock.ts";
import { type EpochState, readEpochFile, stateFor, writeEpochFile } from "../content/epoch-file.ts";
import type { Parts } from "../content/parts.ts";
import { probeUntil } from "../content/probe.ts";
import { makeRebalancer, type Rebalancer } from "../content/rebalance.ts";
import type { Log } from "../observe/log.ts";
import type { Server, Topology } from "../topology/topology.ts";
import type { Heat } from "./heat.ts";
import type { SharedSet } from "./messages.ts";

export interface Rebalancing {
  /** Begins to move what belongs to others, when there may be some. `parts` are those of now, always. */
  start(parts: Parts): Rebalancer;
  /** Another topology from now on; before any thread serves under it. */
  follow(topology: Topology): void;
}

/**
 * After the cache has been restored and before anybody is served: from then on this node's threads look among their
 * peers for what they miss, as long as the topology is new here. `variants` are those the cache has now.
 */
export function makeRebalancing(options: {
  readonly topology: Topology;
  readonly self: Server;
  readonly memory: SharedSet;
  readonly log: Log;
  readonly clock: Clock;
  readonly variants: () => number;
  /** Copies that are kept for their owners stay. */
  readonly heat: Pick<Heat, "isReplica">;
}): Rebalancing {
  const { self, log } = options;
  let state = noteEpoch(options, readEpochFile(self.cacheDir, log));
  let rebalancer: Rebalancer | undefined;
  return {
    start(parts) {
      rebalancer = makeRebalancer({
        parts,
        state,
        isReplica: options.heat.isReplica,
        save(now) {
          state = now;
          writeEpochFile(self.cacheDir, now);
        },
      });
      return rebalancer;
    },
    follow(topology) {
      const before = state;
      state = noteEpoch({ ...options, topology }, before);
      if (state.epoch !== before.epoch) rebalancer?.follow(state);
    },
  };
}

function noteEpoch(
  options: Parameters<typeof makeRebalancing>[0],
  known: EpochState | undefined,
): EpochState {
  const { topology, self, memory, log, clock, variants } = options;
  const { epoch, rebalance } = topology;
  const wallSeconds = clock.wallSeconds();
  const state = stateFor(known, { epoch, variants: variants(), wallSeconds });
  if (state !== known) {
    writeEpochFile(self.cacheDir, state);
    log.info("rebalance.new_epoch", { epoch, before: known?.epoch ?? "none" });
  }
  // a wall clock that was set back must not keep the window open for longer than it is
  const since = Math.min(state.since, wallSeconds);
  probeUntil(memory.probes, since + rebalance.windowMs / 1000);
  return state;
}
