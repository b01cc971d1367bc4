/** What a node tells of a request that a peer made: its trace, its line of the log, where its time went. */

import { FAULTS, type Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { AskFromPeer, PeerAnswer } from "../mesh/peer.ts";
import { isRemarkable } from "../observe/request-log.ts";
import { formatServerTiming } from "../observe/server-timing.ts";
import { parseTraceparent, Trace, traceFields } from "../observe/trace.ts";
import type { Parts } from "./parts.ts";

/** undefined where the peer sends none. */
export function traceOfAsk({ self, clock }: Parts, request: AskFromPeer): Trace | undefined {
  const from = parseTraceparent(request.traceparent);
  if (from === undefined) return undefined;
  return new Trace({ from, at: self.name, clock, timed: request.timed === true });
}

/** For the header of the answer. */
export function spansToTell(trace: Trace | undefined): PeerAnswer["spans"] {
  if (trace?.timed !== true) return undefined;
  return trace.spans().map(({ ms, ...span }) => {
    const us = Math.min(Math.max(0, Math.round(ms * 1000)), LIMITS.wireMillisecondsMax * 1000);
    return { ...span, us };
  });
}

export function tellAsk(
  { requests, clock }: Parts,
  request: AskFromPeer,
  how: {
    readonly trace: Trace | undefined;
    readonly startedMs: number;
    readonly outcome: string | Fault;
  },
): void {
  const { trace, startedMs, outcome } = how;
  const ms = clock.monotonicMs() - startedMs;
  const slow = requests.isSlow(ms);
  if (requests.share === 0 && !slow) return;
  const failed = typeof outcome === "string" ? undefined : outcome.code;
  const status = failed === undefined ? 200 : FAULTS[failed].status;
  const fields = {
    peer: request.peer,
    relname: request.relname,
    role: request.role,
    ms: Math.round(ms * 100) / 100,
    outcome: failed ?? outcome,
    ...(trace?.from === undefined ? {} : { from: trace.from }),
  };
  // the node that the client asked has decided for all behind it
  const picked = requests.share === 1 || (trace === undefined && requests.picks());
  const sampled = trace?.sampled === true;
  const remarkable = isRemarkable(requests, { status, ms, sampled });
  requests.line("peer request", { ...fields, ...traceFields(trace) }, { picked, remarkable });
  if (!slow) return;
  const spans = trace === undefined ? {} : { spans: formatServerTiming(trace.spans(), true) };
  requests.slow("slow peer request", { ...fields, ...spans, ...traceFields(trace) });
}
