/** Answers that say nothing of pictures: what may be asked, and that the node lives. */

import { ALLOWED_METHODS } from "./faults.ts";

/** Seconds a browser may remember what OPTIONS said. */
const PREFLIGHT_SECONDS = 86_400;
const PREFLIGHT_HEADERS =
  "Range, If-Range, If-None-Match, If-Modified-Since, traceparent, X-Mir-Timing";

export function preflight(allowOrigin: string): Response {
  const headers = new Headers({ Allow: ALLOWED_METHODS });
  if (allowOrigin !== "") {
    headers.set("Access-Control-Allow-Origin", allowOrigin);
    headers.set("Access-Control-Allow-Methods", ALLOWED_METHODS);
    headers.set("Access-Control-Allow-Headers", PREFLIGHT_HEADERS);
    headers.set("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
  }
  return new Response(null, { status: 204, headers });
}

export function alive(): Response {
  return new Response("ok", {
    headers: {
      "Content-Type": "text/plain;charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
