/** A request's trace, and what is told of where its time went: to the log when it was slow, to a client who asks. */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { RequestLog } from "../observe/request-log.ts";
import { formatServerTiming } from "../observe/server-timing.ts";
import { parseTraceparent, Trace, traceFields } from "../observe/trace.ts";
import { pathOfUrl } from "./path-of-url.ts";
import { note } from "./request-notes.ts";

/** With the value 1 a client asks for `Server-Timing`. */
const ASKS_TIMING = "x-mir-timing";

interface Asked {
  readonly request: Request;
  readonly url: string;
  readonly startedMs: number;
}

/** For what has to be waited for. */
export function traceFor(
  requests: RequestLog,
  { request, startedMs }: Asked,
  node: { readonly at: string; readonly clock: Clock },
): Trace {
  return new Trace({
    from: parseTraceparent(request.headers.get("traceparent")),
    picked: requests.picks(),
    timed: asksTiming(requests, request),
    startedMs,
    at: node.at,
    clock: node.clock,
  });
}

/** Before the answer is given; it may get a header more. */
export function tellRequest(
  site: { readonly server: string; readonly counters: Counters; readonly log: RequestLog },
  asked: Asked,
  told: {
    readonly answer: Response;
    readonly ms: number;
    readonly relname: string | undefined;
    readonly trace: Trace | undefined;
  },
): void {
  const { server, counters, log } = site;
  const { answer, ms, relname, trace } = told;
  const spans = () => trace?.spans() ?? [{ name: "total", ms, at: server, hop: 0 }];
  if (log.share > 0) note(answer, { trace, relname });
  if (log.isSlow(ms)) {
    counters.add("http_slow");
    log.slow("slow request", {
      path: pathOfUrl(asked.url),
      status: answer.status,
      ms: Math.round(ms),
      outcome: answer.headers.get("cache-status") ?? "-",
      spans: formatServerTiming(spans(), true),
      ...traceFields(trace),
    });
  }
  if (!asksTiming(log, asked.request)) return;
  answer.headers.set("Server-Timing", formatServerTiming(spans(), log.timing === "nodes"));
}

function asksTiming({ timing }: RequestLog, { headers }: Request): boolean {
  return timing !== "off" && headers.get(ASKS_TIMING) === "1";
}
