/** Replays a trace against every contender, with a cache of a share of what the trace asks for altogether. */

import { accounted } from "../../src/cache/ledger.ts";
import { CONTENDERS } from "./policies.ts";
import type { Trace } from "./traces.ts";

export interface Result {
  readonly policy: string;
  /** Misses over requests, and bytes of misses over bytes of requests. */
  readonly missRatio: number;
  readonly byteMissRatio: number;
  readonly nsPerRequest: number;
}

export interface Report {
  readonly trace: string;
  readonly requests: number;
  readonly objects: number;
  readonly footprintBytes: number;
  readonly capacityBytes: number;
  readonly results: readonly Result[];
}

/** Every file counts in blocks of 4 KiB, for the rivals too. */
export function replayTrace(trace: Trace, share: number): Report {
  const footprintBytes = footprintOf(trace);
  const capacityBytes = Math.max(1, Math.floor((footprintBytes * share) / 4096)) * 4096;
  const results = CONTENDERS.map(({ name, make }) => {
    const cache = make({ capacityBytes, objects: trace.objectCount });
    return { policy: name, ...run(trace, cache.request.bind(cache)) };
  });
  const { objects, objectCount } = trace;
  const counts = { requests: objects.length, objects: objectCount };
  return { trace: trace.name, ...counts, footprintBytes, capacityBytes, results };
}

/** Each object once, as large as it was asked for first. */
function footprintOf({ objects, bytes, objectCount }: Trace): number {
  const seen = new Uint8Array(objectCount);
  let total = 0;
  for (const [i, object] of objects.entries()) {
    if (seen[object] === 1) continue;
    seen[object] = 1;
    total += accounted(bytes[i] ?? 0);
  }
  return total;
}

function run(
  { objects, bytes }: Trace,
  request: (object: number, bytes: number) => boolean,
): Omit<Result, "policy"> {
  let misses = 0;
  let missed = 0;
  let asked = 0;
  const start = performance.now();
  for (let i = 0; i < objects.length; i++) {
    const size = bytes[i] ?? 0;
    asked += size;
    if (request(objects[i] ?? 0, size)) continue;
    misses++;
    missed += size;
  }
  const nsPerRequest = ((performance.now() - start) * 1e6) / objects.length;
  return { missRatio: misses / objects.length, byteMissRatio: missed / asked, nsPerRequest };
}
