/** Whether a request to a listener without a token was meant for it: other websites reach loopback through a browser too. */

import { Fault } from "../base/fault.ts";
import { isLoopback } from "../topology/hosts.ts";

/**
 * Throws a Fault for a request of a foreign website. One whose name was made to point here (DNS rebinding) shows in
 * `Host`; one that asks across origins, in what browsers say of it. Links from elsewhere may lead here.
 */
export function refuseForeign(headers: Headers, listenerHost: string): void {
  const host = nameOf(headers.get("host") ?? "");
  if (!isLoopback(host) && host !== listenerHost.toLowerCase()) {
    throw new Fault("bad_request", "this listener answers to localhost and its own address only");
  }
  const site = headers.get("sec-fetch-site");
  const foreign = site === "cross-site" || site === "same-site";
  if (foreign && headers.get("sec-fetch-mode") !== "navigate") {
    throw new Fault("bad_request", "this listener answers no other website");
  }
}

/** `[::1]:80` → `::1`, `localhost:80` → `localhost`. */
function nameOf(host: string): string {
  const [, bracketed, bare] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? bare ?? "").toLowerCase();
}
