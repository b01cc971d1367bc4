/** Every answer of a public listener: counted by the class of its status, and where wanted a line of the log. */

import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { CounterName, Counters } from "../observe/counters.ts";
import type { AccessLog } from "./access-log.ts";
import type { Handler } from "./image.ts";

/** By the first digit of the status. */
const CLASSES: readonly (CounterName | undefined)[] = [
  ...[undefined, undefined],
  ...(["http_2xx", "http_3xx", "http_4xx", "http_5xx"] as const),
];

export interface WatchOptions {
  readonly counters: Counters;
  readonly clock: Clock;
  /** undefined: requests are only counted. */
  readonly access: AccessLog | undefined;
}

export function watchRequests(handler: Handler, options: WatchOptions): Handler {
  const { counters, access } = options;
  const count = (answer: Response): Response => {
    const counter = CLASSES[Math.floor(answer.status / 100)];
    if (counter !== undefined) counters.add(counter);
    return answer;
  };
  const counted: Handler = (request, server) => {
    const answer = handler(request, server);
    return answer instanceof Response ? count(answer) : answer.then(count);
  };
  return access === undefined ? counted : told(counted, access, options.clock);
}

function told(handler: Handler, access: AccessLog, clock: Clock): Handler {
  const tell = (request: Request, answer: Response, startedMs: number): Response => {
    access.line(answer, {
      method: request.method,
      path: pathOf(request.url),
      status: answer.status,
      ms: Math.round((clock.monotonicMs() - startedMs) * 10) / 10,
      outcome: answer.headers.get("cache-status") ?? "-",
    });
    return answer;
  };
  return (request, server) => {
    const startedMs = clock.monotonicMs();
    const answer = handler(request, server);
    if (answer instanceof Response) return tell(request, answer, startedMs);
    return answer.then((late) => tell(request, late, startedMs));
  };
}

function pathOf(url: string): string {
  const scheme = url.indexOf("://");
  const slash = scheme === -1 ? 0 : url.indexOf("/", scheme + "://".length);
  return url.slice(Math.max(0, slash), Math.max(0, slash) + LIMITS.urlCharsMax);
}
