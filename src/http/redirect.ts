/** Sending a client on to the node that owns a picture, once (spec §2 `peer_mode`). */

import type { RedirectTarget } from "../topology/topology.ts";
import { formatHttpDate } from "./http-date.ts";
import { pathOfTarget } from "./image-url.ts";

/**
 * In the query of the address a client is sent to. The query is no part of any key, so it changes nothing
 * else; two nodes whose topologies disagree would send a client to and fro without it.
 */
const MARK = "mir-redirect=1";
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Whether another node sent the client here. */
export function wasRedirected(target: string): boolean {
  const query = target.indexOf("?");
  return (
    query >= 0 &&
    target
      .slice(query + 1)
      .split("&")
      .includes(MARK)
  );
}

/** The same path and query at the owner: tokens of what stands in front may be in the query. */
export function locationAt({ scheme, host, port }: RedirectTarget, target: string): string {
  const name = host.includes(":") ? `[${host}]` : host;
  const suffix = port === DEFAULT_PORTS[scheme] ? "" : `:${port}`;
  const at = target.indexOf("?");
  const query = at < 0 || at === target.length - 1 ? "" : `${target.slice(at + 1)}&`;
  return `${scheme}://${name}${suffix}${pathOfTarget(target)}?${query}${MARK}`;
}

/** `no-store`: who owns a picture changes with the topology, and who is up with the minute. */
export function redirectResponse(
  location: string,
  options: { readonly allowOrigin: string; readonly headDate: number | undefined },
): Response {
  const { allowOrigin, headDate } = options;
  const headers = new Headers({ Location: location, "Cache-Control": "no-store" });
  if (allowOrigin !== "") {
    headers.set("Access-Control-Allow-Origin", allowOrigin);
    headers.set("Timing-Allow-Origin", allowOrigin);
  }
  if (headDate !== undefined) headers.set("Date", formatHttpDate(headDate));
  return new Response(null, { status: 307, headers });
}
