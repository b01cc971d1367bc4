/** One signed request to an S3 store, and what its answer means. */

import type { Fault } from "../base/fault.ts";
import type { Log } from "../observe/log.ts";
import { badOrigin, tooSlow } from "./store.ts";

export type Reply =
  | { readonly kind: "found"; readonly response: Response }
  | { readonly kind: "missing"; readonly document: string }
  /** May pass by itself: the connection broke, or the store is in trouble. */
  | { readonly kind: "failed"; readonly fault: Fault };

export interface Ask {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly url: string;
  /** For the log; the URL carries a signature and is never logged. */
  readonly path: string;
  /** Until the head of the answer. */
  readonly waitMs: number;
  /** The caller's, where it wants to end the body later. */
  readonly abort?: AbortController;
  /** Of a PUT; its length goes with it, as stores take no chunked ones. */
  readonly upload?: {
    readonly body: ReadableStream<Uint8Array>;
    readonly headers: Readonly<Record<string, string>>;
  };
  /** Of the request that it is for; not signed, as it says nothing of what is asked. */
  readonly traceparent?: string | undefined;
  /** How much of a 404's document is wanted. */
  readonly errorBytesMax?: number;
}

export interface Exchange {
  /** Throws `too_slow`, and `bad_origin` for what will not pass by itself. */
  ask(request: Ask): Promise<Reply>;
  /** To the log, with whose fault it is. */
  explain(path: string, status: number, hint: string): void;
}

export function makeExchange(options: { readonly name: string; readonly log: Log }): Exchange {
  const { name, log } = options;

  const explain = (path: string, status: number, hint: string): void => {
    log.warn("origin_refused", { origin: name, path, status, hint });
  };

  return {
    explain,
    async ask(request) {
      const abort = request.abort ?? new AbortController();
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        abort.abort();
      }, request.waitMs);
      try {
        const response = await send(request, abort.signal);
        return await judge(request, response);
      } catch (error) {
        if (late) {
          log.warn("origin_slow", { origin: name, path: request.path, waitMs: request.waitMs });
          throw tooSlow();
        }
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };

  async function send(request: Ask, signal: AbortSignal): Promise<Response | Fault> {
    try {
      return await fetch(request.url, {
        method: request.method,
        signal,
        // a redirect of S3 means another region or endpoint: the signature would not hold there
        redirect: "manual",
        // the stored bytes, whatever Content-Encoding they were put with
        decompress: false,
        headers: {
          "accept-encoding": "identity",
          ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
          ...request.upload?.headers,
        },
        ...(request.upload === undefined ? {} : { body: request.upload.body }),
      });
    } catch (error) {
      if (signal.aborted) throw badOrigin("the reader gave up", error);
      log.warn("origin_unreachable", { origin: name, path: request.path, error });
      return badOrigin(undefined, error);
    }
  }

  async function judge(request: Ask, response: Response | Fault): Promise<Reply> {
    if (!(response instanceof Response)) return { kind: "failed", fault: response };
    const { status } = response;
    const done = status === 200 || (status === 204 && request.method === "DELETE");
    if (done) return { kind: "found", response };
    if (status === 404) {
      const document = await readSome(response, request.errorBytesMax ?? 0);
      return { kind: "missing", document };
    }
    await response.body?.cancel();
    explain(request.path, status, hintOf(status));
    if (status >= 500 || status === 429 || status === 408) {
      return { kind: "failed", fault: badOrigin() };
    }
    throw badOrigin();
  }
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) {
    return "credentials or policy: check the keys, the clock, and that the policy allows s3:GetObject, s3:PutObject and s3:ListBucket (without the latter the store says 403 for names that do not exist)";
  }
  if (status >= 300 && status < 400) return "wrong region or endpoint: see [s3] host and region";
  if (status === 429 || status === 503) return "the store asks for fewer requests";
  if (status >= 500) return "the store is in trouble";
  return "the store does not understand the request: see [s3] host, bucket, region and path_style";
}

async function readSome(response: Response, bytesMax: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  let text = "";
  const decoder = new TextDecoder("latin1");
  while (text.length < bytesMax) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value);
  }
  await reader.cancel();
  return text;
}
