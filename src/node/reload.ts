/** A topology file read again while the node runs: all of it is applied, or nothing (spec §8 SIGHUP). */

import { asFault, unreachable } from "../base/fault.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type Change, compareTopologies } from "../topology/compare.ts";
import { formatMistake } from "../topology/explain.ts";
import type { ReadResult } from "../topology/read.ts";
import type { TopologyFile } from "../topology/schema.ts";
import type { Topology } from "../topology/topology.ts";

export interface ReloadOptions {
  /** Name of this node. */
  readonly server: string;
  /** As it was when the node started. */
  readonly file: TopologyFile;
  /** Throws a Fault when the file cannot be read at all. */
  readonly reread: () => ReadResult;
  /** Resolves when every thread follows it. */
  readonly apply: (topology: Topology) => Promise<void>;
  readonly counters: Counters;
  readonly log: Log;
}

/** Never rejects: what is wrong is logged and counted. One at a time; a call during one is done after it. */
export function makeReload(options: ReloadOptions): () => Promise<void> {
  const { counters, log } = options;
  let followed = options.file;
  let running: Promise<void> = Promise.resolve();

  const refuse = (why: string, fields: Readonly<Record<string, unknown>>): void => {
    counters.add("reload_refused");
    log.error(`topology not reloaded: ${why}`, fields);
  };

  const reload = async (): Promise<void> => {
    const read = readAgain(options.reread);
    if (read.kind === "unreadable") {
      refuse("the file cannot be read", { error: read.error });
      return;
    }
    if (read.kind === "mistakes") {
      for (const mistake of read.mistakes) log.error(formatMistake(mistake));
      refuse("it has mistakes", { mistakes: read.mistakes.length });
      return;
    }
    const comparison = compareTopologies(followed, read.file, options.server);
    switch (comparison.kind) {
      case "same":
        log.info("topology reloaded: nothing in the file has changed", {
          epoch: read.topology.epoch,
        });
        return;
      case "restart":
        refuse("it needs a restart of this node", {
          changes: comparison.changes.map(changeText),
        });
        return;
      case "live":
        followed = read.file;
        await options.apply(read.topology);
        counters.add("reload");
        log.info("topology reloaded", {
          epoch: read.topology.epoch,
          changes: comparison.changes.map(changeText),
        });
        return;
      default:
        return unreachable(comparison);
    }
  };

  return () => {
    running = running.then(reload).catch((error: unknown) => {
      refuse("it could not be applied", { error: asFault(error) });
    });
    return running;
  };
}

type Again = ReadResult | { readonly kind: "unreadable"; readonly error: unknown };

function readAgain(reread: () => ReadResult): Again {
  try {
    return reread();
  } catch (error) {
    return { kind: "unreadable", error: asFault(error) };
  }
}

function changeText({ key, from, to }: Change): string {
  return `${key}: ${from} to ${to}`;
}
