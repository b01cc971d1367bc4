/** The public routes of a worker: pictures, and whether it is alive (spec §2). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS, Fault } from "../base/fault.ts";
import { type Format, ORIG } from "../base/variant.ts";
import type { ContentRequest, Elsewhere, FetchContent, Served } from "../content/served.ts";
import { autoFormatsOf } from "../image/encoding.ts";
import type { Histogram, LatencyOutcome } from "../observe/histogram.ts";
import { type Trace, traceFields } from "../observe/trace.ts";
import type { Topology } from "../topology/topology.ts";
import { type AnswerParts, answerWith, dateOnHead } from "./answer.ts";
import { type AnswerKeys, makeAnswerKeys } from "./answer-keys.ts";
import { formatCacheFault } from "./cache-status.ts";
import { hintedBox, tellHints } from "./client-hints.ts";
import { faultResponse, methodRefused } from "./faults.ts";
import { makeSuccessHeaders, type SuccessHeaders } from "./headers.ts";
import { holdHit } from "./hold-hit.ts";
import { type HintBox, parseImageUrl, pathOfTarget, type UrlRules } from "./image-url.ts";
import { acceptedFormats } from "./negotiate.ts";
import type { Noted } from "./noted.ts";
import { alive, preflight } from "./plain-answers.ts";
import type { Held, Ram } from "./ram.ts";
import { locationAt, redirectResponse, wasRedirected } from "./redirect.ts";
import { tellRequest, traceFor } from "./tell-request.ts";

/** Tries before a file that keeps going away is given up as a 503. */
const TRIES = 4;

/** The part of `Bun.Server` that is used: to give a streamed answer an idle time of its own. */
export interface RequestTimer {
  timeout(request: Request, seconds: number): void;
  /** null on a unix socket. */
  requestIP?(request: Request): { readonly address: string } | null;
}

export type Handler = (request: Request, server?: RequestTimer) => Response | Promise<Response>;

export interface ImageHandlerOptions extends Omit<AnswerParts, "allowOrigin"> {
  /** The name of this node, for `Cache-Status`. */
  readonly server: string;
  readonly topology: Pick<Topology, "sizes" | "image" | "http">;
  readonly fetchContent: FetchContent;
  /** undefined: nothing is held in memory. */
  readonly ram?: Ram | undefined;
  /** undefined: each URL is read and searched anew. */
  readonly noted?: Noted | undefined;
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
  /** undefined as long as nothing had to be waited for. */
  trace: Trace | undefined;
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
    const ask: Ask = {
      request,
      url: request.url,
      server,
      startedMs,
      lookedFor: false,
      trace: undefined,
    };
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
    throw methodRefused(request);
  }
  const { ram, noted } = site;
  const keyed = ram !== undefined || noted !== undefined;
  const key = keyed ? site.keys.of(request, url) : undefined;
  const held = key === undefined ? undefined : ram?.find(key);
  if (held !== undefined) {
    ask.lookedFor = true;
    return send(site, ask, held, { success: held.success, again: undefined });
  }
  const known = key === undefined ? undefined : noted?.find(key);
  if (key !== undefined && known !== undefined) {
    ask.lookedFor = true;
    const again = (): Answer => look(site, ask, searchOf(site, ask, key));
    const { served, success } = known;
    return send(site, ask, holdHit(ram, known, key) ?? served, { success, again });
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
    tracing: site.requests && (() => tracing(site, ask)),
    redirected: wasRedirected(url),
  };
  const hinted = parsed.hinted === true;
  const told = !hinted && negotiated === site.keys.isNegotiated(url);
  return { wanted, negotiated, hinted, key: told ? key : undefined, tries: TRIES };
}

/** Unless there are no requests to be told of, it is only asked for then. */
function tracing({ requests, server, clock }: Site, ask: Ask): Trace | undefined {
  if (requests === undefined) return undefined;
  ask.trace ??= traceFor(requests, ask, { at: server, clock });
  return ask.trace;
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
  const { key, wanted, tries } = search;
  const again =
    tries > 1 ? (): Answer => look(site, ask, { ...search, tries: tries - 1 }) : undefined;
  if (served.kind !== "file" || served.outcome.source !== "hit" || key === undefined) {
    return send(site, ask, served, { success, again });
  }
  const hit = { webId: wanted.webId, served, success };
  const held = holdHit(site.ram, hit, key);
  // what is held is found by itself
  if (held === undefined) site.noted?.note(key, hit);
  return send(site, ask, held ?? served, { success, again });
}

interface Sending {
  readonly success: Headers;
  /** Where the file is gone; undefined where that cannot be, or was too often. */
  readonly again: (() => Answer) | undefined;
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
    return finish(site, ask, {
      answer,
      outcome: served.outcome.source,
      relname: served.meta.relname,
    });
  const { relname } = served.meta;
  site.log.debug("a cached file was gone", { relname });
  if (sending.again !== undefined) return sending.again();
  throw new Fault("overloaded", "the picture was evicted while it was read", {
    retryAfterMs: 1000,
  });
}

function sendOn(site: Site, ask: Ask, { target }: Elsewhere): Response {
  const { allowOrigin, clock } = site;
  const headDate = dateOnHead(ask.request, clock.wallSeconds());
  const answer = redirectResponse(locationAt(target, ask.url), { allowOrigin, headDate });
  return finish(site, ask, { answer, outcome: "redirect" });
}

function failed(site: Site, ask: Ask, error: unknown): Response {
  const { allowOrigin, counters, clock, log } = site;
  const fault = asFault(error);
  if (fault.code === "internal") {
    log.error("request failed", { url: ask.url, error: fault, ...traceFields(ask.trace) });
  }
  // clients are told less
  else log.debug("request refused", { url: ask.url, fault, ...traceFields(ask.trace) });
  if (fault.code === "overloaded") counters.add("shed");
  const headDate = dateOnHead(ask.request, clock.wallSeconds());
  const headers = ask.lookedFor
    ? { "Cache-Status": formatCacheFault(site.server, fault.code) }
    : undefined;
  const answer = faultResponse(fault, { allowOrigin, headers, headDate });
  const outcome = FAULTS[fault.code].status < 500 ? "refused" : "failed";
  return finish(site, ask, { answer, outcome });
}

function finish(
  site: Site,
  ask: Ask,
  how: { readonly answer: Response; readonly outcome: LatencyOutcome; readonly relname?: string },
): Response {
  const { requests, server, counters } = site;
  const { answer, relname } = how;
  const ms = site.clock.monotonicMs() - ask.startedMs;
  site.histogram?.observe(how.outcome, ms / 1000);
  if (requests !== undefined) {
    const told = { answer, ms, relname, trace: ask.trace };
    tellRequest({ server, counters, log: requests }, ask, told);
  }
  return closing(site, answer);
}

/** The headers of a Response are its own copy, so those kept ready stay as they are. */
function closing(site: Site, response: Response): Response {
  if (site.draining?.() === true) response.headers.set("Connection", "close");
  return response;
}
