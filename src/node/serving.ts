/** What answers clients and peers under one topology. */

import { Fault } from "../base/fault.ts";
import { makeFetchContent } from "../content/fetch-content.ts";
import type { BusyGauge } from "../content/hot/busy.ts";
import type { Parts } from "../content/parts.ts";
import { makePeerHandlers } from "../content/peer-handlers.ts";
import { makeRepeats, type Repeats } from "../content/repeat.ts";
import { formatCacheStatus } from "../http/cache-status.ts";
import { type Handler, makeImageHandler } from "../http/image.ts";
import { makeNoted } from "../http/noted.ts";
import { makeRam, type Ram } from "../http/ram.ts";
import { type RamMemory, ramGauge } from "../http/ram-memory.ts";
import type { PeerHandlers } from "../mesh/tell.ts";
import { openHistogram } from "../observe/histogram.ts";
import type { RequestLog } from "../observe/request-log.ts";
import type { WorkerSetup } from "./messages.ts";

export interface Serving {
  readonly handler: Handler;
  readonly handlers: PeerHandlers;
  readonly requests: RequestLog;
  /** When another has taken its place: what began with it may still end, and holds no more memory. */
  close(): void;
}

/** `parts` are those of one topology: whatever begins here ends under it. */
export function openServing(
  parts: Parts,
  options: {
    readonly setup: WorkerSetup;
    readonly draining: () => boolean;
  },
): Serving {
  const { self, topology, cache, counters, log, clock } = parts;
  const { memory, worker } = options.setup;
  const repeats = makeRepeats(parts);
  const ram = openRam(parts, { repeats, memory: memory.ram, worker });
  const handlers = makePeerHandlers(parts, (outcome) => formatCacheStatus(self.name, outcome));
  return {
    handler: makeImageHandler({
      server: self.name,
      topology,
      fetchContent: makeFetchContent(parts),
      ram,
      noted: makeNoted(repeats),
      counters,
      histogram: openHistogram(memory.latencies, worker),
      unread: (relname, error) => cache.noteUnread(relname, error),
      draining: options.draining,
      requests: parts.requests,
      log,
      clock,
    }),
    requests: parts.requests,
    close: () => ram?.close(),
    handlers: {
      ...handlers,
      ask(request) {
        if (options.draining()) refuseAsOwner(request);
        return whileBusy(parts.hot.busy, () => handlers.ask(request));
      },
    },
  };
}

/** What is answered at once counts while it is, too: its answer tells of it. */
function whileBusy<T>(busy: BusyGauge, work: () => T | Promise<T>): T | Promise<T> {
  busy.enter();
  let waits = false;
  try {
    const done = work();
    if (!(done instanceof Promise)) return done;
    waits = true;
    return done.finally(() => busy.leave());
  } finally {
    if (!waits) busy.leave();
  }
}

function openRam(
  { counters }: Parts,
  of: { readonly repeats: Repeats; readonly memory: RamMemory; readonly worker: number },
): Ram | undefined {
  const { repeats, memory, worker } = of;
  const { roomBytes } = memory;
  if (roomBytes === 0) return undefined;
  return makeRam({ roomBytes, repeats, counters, gauge: ramGauge(memory, worker) });
}

/**
 * Peers go to the next rank while this node still serves clients, so that its end is news to nobody. A
 * legacy peer knows no such answer; what is only to be had here, as `local`, is given to the last.
 */
export function refuseAsOwner({
  role,
  legacy,
}: Pick<Parameters<PeerHandlers["ask"]>[0], "role" | "legacy">): void {
  if (role === "owner" && !legacy) throw new Fault("draining", "the node is shutting down");
}

/** Handlers that are looked up for each message, for a listener that outlives a topology. */
export function currentOf(current: () => PeerHandlers): PeerHandlers {
  return new Proxy(current(), { get: (_, name) => Reflect.get(current(), name) });
}
