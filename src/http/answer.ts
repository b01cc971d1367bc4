/** What was found, as the answer to one request: 200, 206, 304 or 416 (RFC 9110 §13.2.2 gives the order). */

import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Served } from "../content/served.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { RequestLog } from "../observe/request-log.ts";
import { type Sent, sendBody } from "./body.ts";
import { isNotModified, rangeApplies, type Validators, validatorsOf } from "./conditional.ts";
import { faultResponse } from "./faults.ts";
import { notModifiedHeaders } from "./headers.ts";
import { formatHttpDate } from "./http-date.ts";
import type { Held } from "./ram.ts";
import { type ByteRange, parseRange, type RangeWish } from "./range.ts";
import { note } from "./request-notes.ts";

export interface AnswerParts {
  readonly allowOrigin: string;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** What is told of single requests; undefined: nothing. */
  readonly requests?: RequestLog | undefined;
  /** Hears of a cached file that is not there any more, or cannot be read for the reason given: the next look is a miss. */
  readonly unread?: ((relname: string, error: unknown) => void) | undefined;
}

/**
 * `success` are the headers of a 200; not changed. undefined: the file is gone, and it was a miss.
 * At once for everything but a stream. Throws, or rejects with, the Fault of a
 * source that fails before its first byte.
 */
export function answerWith(
  request: Request,
  served: Served | Held,
  options: { readonly success: Headers; readonly parts: AnswerParts },
): Response | undefined | Promise<Response | undefined> {
  const { success, parts } = options;
  const { meta } = served;
  // nothing to be weighed, as most of the time: neither validators nor the time of day (bench/versus/hit.ts)
  if (isPlain(request)) return sendAs(served, { success, parts, rangeAsked: false });
  const validators = validatorsOf(meta);
  const now = parts.clock.wallSeconds();
  const unmodified = isNotModified(request.headers, validators, now);
  if (unmodified || request.method === "HEAD") {
    release(served);
    return unmodified
      ? new Response(null, {
          status: 304,
          headers: notModifiedHeaders(success, dateOnHead(request, now)),
        })
      : headOnly(success, meta.bytes, now);
  }
  const rangeHeader = request.headers.get("range");
  const wish = wishOf(request, served, { rangeHeader, validators, now });
  if (wish.kind === "unsatisfiable") return unsatisfiable(success, meta.bytes, parts.allowOrigin);
  const range = wish.kind === "part" ? wish.range : undefined;
  return sendAs(served, { success, parts, range, rangeAsked: rangeHeader !== null });
}

/** No header of the request can make its answer anything but the 200 (RFC 9110 §13.1, §14.2). */
function isPlain({ method, headers }: Request): boolean {
  return (
    method === "GET" &&
    headers.get("if-none-match") === null &&
    headers.get("if-modified-since") === null &&
    headers.get("range") === null
  );
}

function sendAs(
  served: Served | Held,
  how: {
    readonly success: Headers;
    readonly parts: AnswerParts;
    readonly range?: ByteRange | undefined;
    readonly rangeAsked: boolean;
  },
): Response | undefined | Promise<Response | undefined> {
  const { success, parts, range, rangeAsked } = how;
  const { meta } = served;
  const onCut = (reason: unknown): void => noteCut(parts, meta, reason);
  const sent = sendBody(served, { headers: success, range, rangeAsked, onCut });
  return sent instanceof Promise
    ? sent.then((late) => noteSent(parts, meta, late))
    : noteSent(parts, meta, sent);
}

function noteSent(
  { counters, requests, unread }: AnswerParts,
  { relname }: Served["meta"],
  sent: Sent,
): Response | undefined {
  if (sent.kind === "gone") {
    unread?.(relname, sent.error);
    return undefined;
  }
  counters.add("http_bytes", sent.bytes);
  if (requests !== undefined && requests.share > 0) note(sent.response, { bytes: sent.bytes });
  return sent.response;
}

/** Unix seconds for the `Date` of an answer to HEAD, which Bun leaves out; undefined where Bun sets it. */
export function dateOnHead(request: Request, nowSeconds: number): number | undefined {
  return request.method === "HEAD" ? nowSeconds : undefined;
}

function wishOf(
  request: Request,
  served: Served | Held,
  known: {
    readonly rangeHeader: string | null;
    readonly validators: Validators;
    readonly now: number;
  },
): RangeWish {
  const { rangeHeader, validators, now } = known;
  // what is still coming is sent whole (spec §2 "Bodies")
  if (rangeHeader === null || served.kind === "stream") return { kind: "whole" };
  const applies = rangeApplies(request.headers.get("if-range"), validators, now);
  return applies ? parseRange(rangeHeader, served.meta.bytes) : { kind: "whole" };
}

function unsatisfiable(success: Headers, bytes: number, allowOrigin: string): Response {
  const vary = success.get("vary");
  const headers = {
    "Content-Range": `bytes */${bytes}`,
    "Cache-Status": success.get("cache-status") ?? "",
    ...(vary === null ? {} : { Vary: vary }),
  };
  const fault = new Fault("range_not_satisfiable", `the picture has ${bytes} bytes`);
  return faultResponse(fault, { allowOrigin, headers });
}

/** Bun keeps an explicit length where there is no body. */
function headOnly(success: Headers, bytes: number, now: number): Response {
  const headers = new Headers(success);
  headers.set("Content-Length", String(bytes));
  headers.set("Date", formatHttpDate(now));
  return new Response(null, { headers });
}

function noteCut({ counters, log }: AnswerParts, meta: VariantMeta, reason: unknown): void {
  counters.add("body_cut");
  log.warn("a body was cut", { relname: meta.relname, reason: asFault(reason) });
}

/** Gives back a body that nobody will read. */
function release(served: Served | Held): void {
  if (served.kind === "stream") served.body.cancel();
}
