/** Every answer of a public listener: counted by the class of its status, and where wanted a line of the log. */

import type { Clock } from "../base/clock.ts";
import type { CounterName, Counters } from "../observe/counters.ts";
import { isRemarkable, type RequestLog } from "../observe/request-log.ts";
import { parseTraceparent, traceFields } from "../observe/trace.ts";
import type { Handler, RequestTimer } from "./image.ts";
import { pathOfUrl } from "./path-of-url.ts";
import { noteOf } from "./request-notes.ts";

/** By the first digit of the status. */
const CLASSES: readonly (CounterName | undefined)[] = [
  ...[undefined, undefined],
  ...(["http_2xx", "http_3xx", "http_4xx", "http_5xx"] as const),
];

export interface WatchOptions {
  readonly counters: Counters;
  readonly clock: Clock;
  /** That of now. */
  readonly requests: () => RequestLog;
}

export function watchRequests(handler: Handler, options: WatchOptions): Handler {
  const { counters, clock, requests } = options;
  const count = (answer: Response): Response => {
    const counter = CLASSES[Math.floor(answer.status / 100)];
    if (counter !== undefined) counters.add(counter);
    return answer;
  };
  return (request, server) => {
    const log = requests();
    if (log.share === 0) {
      const answer = handler(request, server);
      return answer instanceof Response ? count(answer) : answer.then(count);
    }
    const startedMs = clock.monotonicMs();
    const told = (answer: Response): Response => {
      tell(log, { request, server, answer, ms: clock.monotonicMs() - startedMs });
      return count(answer);
    };
    const answer = handler(request, server);
    return answer instanceof Response ? told(answer) : answer.then(told);
  };
}

function tell(
  log: RequestLog,
  what: {
    readonly request: Request;
    readonly server: RequestTimer | undefined;
    readonly answer: Response;
    readonly ms: number;
  },
): void {
  const { request, server, answer, ms } = what;
  const { status } = answer;
  const { trace, bytes = 0, relname } = noteOf(answer);
  // a hit has no trace of its own; whoever asked may have one
  const from = trace === undefined ? parseTraceparent(request.headers.get("traceparent")) : trace;
  const picked = trace?.picked ?? log.picks();
  const remarkable = isRemarkable(log, { status, ms, sampled: from?.sampled === true });
  if (!picked && !remarkable) return;
  const traced = trace === undefined ? from && { trace: from.id, parent: from.parent } : undefined;
  const client = log.clientAddress ? server?.requestIP?.(request)?.address : undefined;
  const line = {
    method: request.method,
    path: pathOfUrl(request.url),
    status,
    bytes,
    ms: Math.round(ms * 100) / 100,
    outcome: answer.headers.get("cache-status") ?? "-",
    ...(relname === undefined ? {} : { relname }),
    ...(trace?.from === undefined ? {} : { from: trace.from }),
    ...(client === undefined ? {} : { client }),
    ...(traced ?? traceFields(trace)),
  };
  log.line("request", line, { picked, remarkable });
}
