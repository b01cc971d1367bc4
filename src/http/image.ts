/** The public routes of a worker: pictures, and whether it is alive (spec §2). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS, Fault } from "../base/fault.ts";
import { type Format, ORIG } from "../base/variant.ts";
import type { ContentRequest, Elsewhere, FetchContent, Served } from "../content/served.ts";
import { autoFormatsOf } from "../image/encoding.ts";
import type { Histogram, LatencyOutcome } from "../observe/histogram.ts";
import type { Topology } from "../topology/topology.ts";
import { type AnswerParts, answerWith, dateOnHead } from "./answer.ts";
import { type AnswerKeys, makeAnswerKeys } from "./answer-keys.ts";
import { readSmallFile } from "./body.ts";
import { formatCacheFault } from "./cache-status.ts";
import { hintedBox, tellHints } from "./client-hints.ts";
import { ALLOWED_METHODS, faultResponse } from "./faults.ts";
import { makeSuccessHeaders, type SuccessHeaders } from "./headers.ts";
import { type HintBox, parseImageUrl, pathOfTarget, type UrlRules } from "./image-url.ts";
import { acceptedFormats } from "./negotiate.ts";
import type { Held, Ram } from "./ram.ts";
import { locationAt, redirectResponse, wasRedirected } from "./redirect.ts";

/** Tries before a file that keeps going away is given up as a 503. */
const TRIES = 4;
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
  /** undefined: nothing is held in memory. */
  readonly ram?: Ram | undefined;
  readonly histogram?: Histogram | undefined;
  /** While true, answers carry `Connection: close`. */
  readonly draining?: (() => boolean) | undefined;
}

interface Site extends ImageHandlerOptions, AnswerParts {
  readonly rules: UrlRules;
  readonly success: SuccessHeaders;
  readonly keys: AnswerKeys;
}

/** A request on its way to an answer. */
interface Ask {
  readonly request: Request;
  readonly url: string;
  readonly server: RequestTimer | undefined;
  readonly startedMs: number;
  /** What is refused before that says nothing of caches. */
  lookedFor: boolean;
}

/** What of it is asked of the content. */
interface Search {
  readonly wanted: ContentRequest;
  /** `Accept` chooses the format. */
  readonly negotiated: boolean;
  /** What the browser says of its screen chose the size. */
  readonly hinted: boolean;
  /** What the answer would be held under in memory; undefined: more than that decides, so it is not. */
  readonly key: string | undefined;
  readonly tries: number;
}

type Answer = Response | Promise<Response>;

/**
 * Never throws and never rejects: every failure is an answer. What is held in memory, or lies on disk, is answered
 * before it returns, as promises on the way of each hit cost more than all the rules of HTTP (bench/versus/hit.ts).
 */
export function makeImageHandler(options: ImageHandlerOptions): Handler {
  const { sizes, image, http } = options.topology;
  const site: Site = {
    ...options,
    allowOrigin: http.allowOrigin,
    rules: { prefix: http.prefix, sizes, policy: image.policy, exactSizes: image.exactSizes },
    success: makeSuccessHeaders({ server: options.server, allowOrigin: http.allowOrigin }),
    keys: makeAnswerKeys(options.topology),
  };
  const { clock, counters } = site;

  return (request, server) => {
    const startedMs = clock.monotonicMs();
    const ask: Ask = { request, url: request.url, server, startedMs, lookedFor: false };
    counters.add("http_requests");
    try {
      const answer = answerTo(site, ask);
      return answer instanceof Promise ? answer.catch((error) => failed(site, ask, error)) : answer;
    } catch (error) {
      return failed(site, ask, error);
    }
  };
}

function answerTo(site: Site, ask: Ask): Answer {
  const { request, url } = ask;
  const { method } = request;
  if (method === "OPTIONS") return closing(site, preflight(site.allowOrigin));
  if (method !== "GET" && method !== "HEAD") {
    throw new Fault("method_not_allowed", "that method is not served here");
  }
  const { ram } = site;
  const key = ram === undefined ? undefined : site.keys.of(request, url);
  const held = key === undefined ? undefined : ram?.find(key);
  if (held !== undefined) {
    ask.lookedFor = true;
    return send(site, ask, held, { success: held.success, search: undefined });
  }
  if (pathOfTarget(url) === "/healthz") return closing(site, alive());
  return look(site, ask, searchOf(site, ask, key));
}

function searchOf(site: Site, ask: Ask, key: string | undefined): Search {
  const { request, url } = ask;
  const hint: HintBox | undefined =
    site.topology.http.clientHints === true ? (box) => hintedBox(box, request.headers) : undefined;
  const parsed = parseImageUrl(url, site.rules, hint);
  const { webId, size, format } = parsed;
  if (size === ORIG && !site.topology.http.originals) {
    throw new Fault("not_found", "originals are not served here");
  }
  ask.lookedFor = true;
  const negotiated = format === "auto" && size !== ORIG;
  const wanted: ContentRequest = {
    webId,
    size,
    format,
    accepted: negotiated ? acceptedBy(site, request, size) : [],
    head: request.method === "HEAD",
    signal: () => request.signal,
    redirected: wasRedirected(url),
  };
  const hinted = parsed.hinted === true;
  const told = !hinted && negotiated === site.keys.isNegotiated(url);
  return { wanted, negotiated, hinted, key: told ? key : undefined, tries: TRIES };
}

function acceptedBy({ topology }: Site, { headers }: Request, size: string): readonly Format[] {
  return acceptedFormats(headers.get("accept"), autoFormatsOf(topology, size));
}

/** Of the 200, with what the site tells of client hints. */
function successOf(site: Site, { meta, outcome }: Served, search: Search): Headers {
  const plain = site.success.of(meta, outcome, search.negotiated);
  return site.topology.http.clientHints === true ? tellHints(plain, search.hinted) : plain;
}

function look(site: Site, ask: Ask, search: Search): Answer {
  const served = site.fetchContent(search.wanted);
  return served instanceof Promise
    ? served.then((late) => found(site, ask, late, search))
    : found(site, ask, served, search);
}

function found(site: Site, ask: Ask, served: Served | Elsewhere, search: Search): Answer {
  if (served.kind === "elsewhere") return sendOn(site, ask, served);
  // a client that takes nothing of a stream holds more than its own connection
  if (served.kind === "stream") ask.server?.timeout(ask.request, DEADLINES.clientStallMs / 1000);
  const success = successOf(site, served, search);
  const held = served.kind === "file" ? offer(site, served, success, search) : undefined;
  return send(site, ask, held ?? served, { success, search });
}

function offer(
  { ram }: Site,
  served: Extract<Served, { kind: "file" }>,
  success: Headers,
  { key, wanted }: Search,
): Held | undefined {
  const { meta, outcome, path } = served;
  if (ram === undefined || key === undefined || outcome.source !== "hit") return undefined;
  const read = (): Uint8Array | undefined => {
    try {
      return readSmallFile(path, meta.bytes);
    } catch {
      // told when it is sent from where it lies
      return undefined;
    }
  };
  return ram.offer(key, { webId: wanted.webId, meta, success, read });
}

interface Sending {
  readonly success: Headers;
  /** undefined where it cannot be that the file is gone. */
  readonly search: Search | undefined;
}

function send(site: Site, ask: Ask, served: Served | Held, sending: Sending): Answer {
  const answer = answerWith(ask.request, served, { success: sending.success, parts: site });
  return answer instanceof Promise
    ? answer.then((late) => sent(site, ask, late, { served, sending }))
    : sent(site, ask, answer, { served, sending });
}

function sent(
  site: Site,
  ask: Ask,
  answer: Response | undefined,
  of: { readonly served: Served | Held; readonly sending: Sending },
): Answer {
  const { served, sending } = of;
  if (answer !== undefined)
    return finish(site, answer, { outcome: served.outcome.source, startedMs: ask.startedMs });
  const { search } = sending;
  const { relname } = served.meta;
  site.log.debug("a cached file was gone", { relname });
  if (search === undefined || search.tries <= 1) {
    throw new Fault("overloaded", "the picture was evicted while it was read", {
      retryAfterMs: 1000,
    });
  }
  return look(site, ask, { ...search, tries: search.tries - 1 });
}

function sendOn(site: Site, ask: Ask, { target }: Elsewhere): Response {
  const { allowOrigin, clock } = site;
  const headDate = dateOnHead(ask.request, clock.wallSeconds());
  const response = redirectResponse(locationAt(target, ask.url), { allowOrigin, headDate });
  return finish(site, response, { outcome: "redirect", startedMs: ask.startedMs });
}

function failed(site: Site, ask: Ask, error: unknown): Response {
  const { allowOrigin, counters, clock, log } = site;
  const fault = asFault(error);
  if (fault.code === "internal") log.error("request failed", { url: ask.url, error: fault });
  if (fault.code === "overloaded") counters.add("shed");
  const headDate = dateOnHead(ask.request, clock.wallSeconds());
  const headers = ask.lookedFor
    ? { "Cache-Status": formatCacheFault(site.server, fault.code) }
    : undefined;
  const response = faultResponse(fault, { allowOrigin, headers, headDate });
  const outcome = FAULTS[fault.code].status < 500 ? "refused" : "failed";
  return finish(site, response, { outcome, startedMs: ask.startedMs });
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
