/** The public routes of a worker: pictures, and whether it is alive (spec §2). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS, Fault } from "../base/fault.ts";
import { ORIG } from "../base/variant.ts";
import type { ContentRequest, Elsewhere, FetchContent } from "../content/served.ts";
import { autoFormatsOf } from "../image/encoding.ts";
import type { Histogram, LatencyOutcome } from "../observe/histogram.ts";
import type { Topology } from "../topology/topology.ts";
import { type AnswerParts, answerWith, dateOnHead } from "./answer.ts";
import { formatCacheFault } from "./cache-status.ts";
import { hintedBox, tellHints } from "./client-hints.ts";
import { ALLOWED_METHODS, faultResponse } from "./faults.ts";
import { makeSuccessHeaders, type SuccessHeaders } from "./headers.ts";
import {
  type HintBox,
  type ParsedImageUrl,
  parseImageUrl,
  pathOfTarget,
  type UrlRules,
} from "./image-url.ts";
import { acceptedFormats } from "./negotiate.ts";
import { locationAt, redirectResponse, wasRedirected } from "./redirect.ts";

/** Tries before a file that keeps going away is given up as a 503. */
const TRIES = 2;
/** Seconds a browser may remember what OPTIONS said. */
const PREFLIGHT_SECONDS = 86_400;
const PREFLIGHT_HEADERS = "Range, If-Range, If-None-Match, If-Modified-Since";

/** The part of `Bun.Server` that is used: to give a streamed answer an idle time of its own. */
export interface RequestTimer {
  timeout(request: Request, seconds: number): void;
}

export type Handler = (request: Request, server?: RequestTimer) => Response | Promise<Response>;

export interface ImageHandlerOptions extends Omit<AnswerParts, "allowOrigin"> {
  /** The name of this node, for `Cache-Status`. */
  readonly server: string;
  readonly topology: Pick<Topology, "sizes" | "image" | "http">;
  readonly fetchContent: FetchContent;
  /** Hears of a cached file that is not there any more, so that the next look is a miss. */
  readonly forget?: ((relname: string) => void) | undefined;
  readonly histogram?: Histogram | undefined;
  /** While true, answers carry `Connection: close`. */
  readonly draining?: (() => boolean) | undefined;
}

interface Site extends ImageHandlerOptions, AnswerParts {
  readonly rules: UrlRules;
  readonly success: SuccessHeaders;
}

interface Answered {
  readonly response: Response;
  readonly outcome: LatencyOutcome;
}

/** Never throws and never rejects: every failure is an answer. */
export function makeImageHandler(options: ImageHandlerOptions): Handler {
  const { sizes, image, http } = options.topology;
  const site: Site = {
    ...options,
    allowOrigin: http.allowOrigin,
    rules: { prefix: http.prefix, sizes, policy: image.policy, exactSizes: image.exactSizes },
    success: makeSuccessHeaders({ server: options.server, allowOrigin: http.allowOrigin }),
  };

  return (request, server) => {
    const startedMs = site.clock.monotonicMs();
    site.counters.add("http_requests");
    try {
      const { method } = request;
      if (method === "OPTIONS") return closing(site, preflight(site.allowOrigin));
      if (method !== "GET" && method !== "HEAD") {
        throw new Fault("method_not_allowed", "that method is not served here");
      }
      if (pathOfTarget(request.url) === "/healthz") return closing(site, alive());
      const hint: HintBox | undefined = http.clientHints
        ? (box) => hintedBox(box, request.headers)
        : undefined;
      const url = parseImageUrl(request.url, site.rules, hint);
      if (url.size === ORIG && !http.originals) {
        throw new Fault("not_found", "originals are not served here");
      }
      return picture(site, url, { request, server }).then(
        ({ response, outcome }) => finish(site, response, { outcome, startedMs }),
        (error: unknown) => failed(site, request, { error, startedMs, lookedFor: true }),
      );
    } catch (error) {
      return failed(site, request, { error, startedMs, lookedFor: false });
    }
  };
}

async function picture(
  site: Site,
  url: ParsedImageUrl,
  from: { readonly request: Request; readonly server: RequestTimer | undefined },
): Promise<Answered> {
  const { request, server } = from;
  const negotiated = url.format === "auto" && url.size !== ORIG;
  const wanted = contentRequest(site, request, url, negotiated);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const served = await site.fetchContent(wanted);
    if (served.kind === "elsewhere") return sendOn(site, request, served);
    const { meta, outcome } = served;
    // a client that takes nothing of a stream holds more than its own connection
    if (served.kind === "stream") server?.timeout(request, DEADLINES.clientStallMs / 1000);
    const plain = site.success.of(meta, outcome, negotiated);
    const hints = site.topology.http.clientHints === true;
    const success = hints ? tellHints(plain, url.hinted === true) : plain;
    const response = await answerWith(request, served, { success, parts: site });
    if (response !== undefined) return { response, outcome: outcome.source };
    site.forget?.(meta.relname);
    site.log.debug("a cached file was gone", { relname: meta.relname });
  }
  throw new Fault("overloaded", "the picture was evicted while it was read", {
    retryAfterMs: 1000,
  });
}

function sendOn(site: Site, request: Request, { target }: Elsewhere): Answered {
  const { allowOrigin, clock } = site;
  const headDate = dateOnHead(request, clock.wallSeconds());
  const response = redirectResponse(locationAt(target, request.url), { allowOrigin, headDate });
  return { response, outcome: "redirect" };
}

function contentRequest(
  site: Site,
  request: Request,
  url: ParsedImageUrl,
  negotiated: boolean,
): ContentRequest {
  const accept = negotiated ? request.headers.get("accept") : null;
  return {
    webId: url.webId,
    size: url.size,
    format: url.format,
    accepted: acceptedFormats(accept, autoFormatsOf(site.topology, url.size)),
    head: request.method === "HEAD",
    redirected: wasRedirected(request.url),
  };
}

function failed(
  site: Site,
  request: Request,
  what: { readonly error: unknown; readonly startedMs: number; readonly lookedFor: boolean },
): Response {
  const { allowOrigin, counters, clock, log } = site;
  const fault = asFault(what.error);
  if (fault.code === "internal") log.error("request failed", { url: request.url, error: fault });
  if (fault.code === "overloaded") counters.add("shed");
  const headDate = dateOnHead(request, clock.wallSeconds());
  const headers = what.lookedFor
    ? { "Cache-Status": formatCacheFault(site.server, fault.code) }
    : undefined;
  const response = faultResponse(fault, { allowOrigin, headers, headDate });
  const outcome = FAULTS[fault.code].status < 500 ? "refused" : "failed";
  return finish(site, response, { outcome, startedMs: what.startedMs });
}

function finish(
  site: Site,
  response: Response,
  how: { readonly outcome: LatencyOutcome; readonly startedMs: number },
): Response {
  site.histogram?.observe(how.outcome, (site.clock.monotonicMs() - how.startedMs) / 1000);
  return closing(site, response);
}

/** The headers of a Response are its own copy, so those kept ready stay as they are. */
function closing(site: Site, response: Response): Response {
  if (site.draining?.() === true) response.headers.set("Connection", "close");
  return response;
}

function preflight(allowOrigin: string): Response {
  const headers = new Headers({ Allow: ALLOWED_METHODS });
  if (allowOrigin !== "") {
    headers.set("Access-Control-Allow-Origin", allowOrigin);
    headers.set("Access-Control-Allow-Methods", ALLOWED_METHODS);
    headers.set("Access-Control-Allow-Headers", PREFLIGHT_HEADERS);
    headers.set("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
  }
  return new Response(null, { status: 204, headers });
}

function alive(): Response {
  return new Response("ok", {
    headers: {
      "Content-Type": "text/plain;charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
