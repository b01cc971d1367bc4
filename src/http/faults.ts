/** A failure as an HTTP answer: small JSON, how long it may be kept, when to come back (spec §2 "Answers"). */

import { asFault, FAULTS, Fault, publicMessage } from "../base/fault.ts";
import { formatHttpDate } from "./http-date.ts";
import { pathOfTarget, UPLOAD_PATH } from "./image-url.ts";

/** Methods of the public routes. */
export const ALLOWED_METHODS = "GET, HEAD, OPTIONS";

export interface FaultResponseOptions {
  /** `Access-Control-Allow-Origin`, so that scripts can read the reason; "" sends none. */
  readonly allowOrigin: string;
  /** For this one answer, e.g. `Content-Range` on 416 or `Vary`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Unix seconds of an answer to HEAD: Bun leaves `Date` out there. */
  readonly headDate?: number | undefined;
  /** Read by an operator: messages in full. */
  readonly forOperator?: boolean;
}

/** Where uploads are taken they are not asked for here (upload.ts). */
export function methodRefused({ method, url }: Pick<Request, "method" | "url">): Fault {
  const isUpload = method === "POST" && pathOfTarget(url) === UPLOAD_PATH;
  const told = isUpload ? "this listener takes no uploads" : "that method is not served here";
  return new Fault("method_not_allowed", told);
}

/** Anything thrown as a Response. What is no Fault becomes `internal`, of which only the code is told. */
export function faultResponse(error: unknown, options: FaultResponseOptions): Response {
  const fault = asFault(error);
  const { status, cacheSeconds, hint } = FAULTS[fault.code];
  const whole = options.forOperator === true && fault.code !== "internal";
  const message = whole ? fault.message : publicMessage(fault);
  const headers = new Headers(options.headers);
  headers.set("Content-Type", "application/json");
  headers.set("Cache-Control", cacheSeconds === 0 ? "no-store" : `max-age=${cacheSeconds}`);
  headers.set("X-Content-Type-Options", "nosniff");
  if (options.allowOrigin !== "") headers.set("Access-Control-Allow-Origin", options.allowOrigin);
  if (status === 503) headers.set("Retry-After", retryAfter(fault.retryAfterMs));
  if (status === 405 && !headers.has("Allow")) headers.set("Allow", ALLOWED_METHODS);
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  if (options.headDate !== undefined) headers.set("Date", formatHttpDate(options.headDate));
  const body = JSON.stringify({ error: { code: fault.code, message, hint } });
  return new Response(body, { status, headers });
}

/** Whole seconds, never 0: a client would come back at once. */
function retryAfter(waitMs: number | undefined): string {
  return String(Math.max(1, Math.ceil((waitMs ?? 0) / 1000)));
}
