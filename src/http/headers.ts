/** The headers of an answer with a picture in it (spec §2 "Headers on success"). */

import { LIMITS } from "../base/limits.ts";
import { makeMemo } from "../base/memo.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { contentTypeOf, type VariantMeta } from "../base/variant.ts";
import type { Outcome } from "../content/served.ts";
import { formatCacheStatus } from "./cache-status.ts";
import { etagOf } from "./conditional.ts";
import { formatHttpDate } from "./http-date.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const STAND_IN = "public, max-age=10";
/** What a 304 repeats of the 200 it stands for (RFC 9110 §15.4.5), and what lets scripts read it. */
const OF_NOT_MODIFIED = [
  "etag",
  "last-modified",
  "cache-control",
  "vary",
  "cache-status",
  "access-control-allow-origin",
  "timing-allow-origin",
] as const;

export interface SuccessHeaders {
  /** Shared between answers: copy before you change it. `negotiated`: `Accept` chose the format. */
  of(meta: VariantMeta, outcome: Outcome, negotiated: boolean): Headers;
}

interface Kept {
  readonly meta: VariantMeta;
  readonly headers: Headers;
}

/**
 * Those of hits are kept ready, up to `headerMemoMax`; they can never be wrong, as the meta is compared. Of other
 * answers those of the last are: of a crowd that has waited for one load, all are given the same meta in one turn.
 */
export function makeSuccessHeaders(options: {
  readonly server: string;
  readonly allowOrigin: string;
}): SuccessHeaders {
  const { server, allowOrigin } = options;
  const plain = new TurnoverMap<string, Kept>();
  const varying = new TurnoverMap<string, Kept>();
  let last: (Kept & { readonly outcome: Outcome; readonly negotiated: boolean }) | undefined;
  const ofPeers = makeMemo<Kept & { readonly outcome: Outcome }>(LIMITS.headerMemoMax);

  const build = (meta: VariantMeta, outcome: Outcome, negotiated: boolean): Headers => {
    const headers = new Headers({
      "Content-Type": contentTypeOf(meta.relname.slice(meta.relname.lastIndexOf(".") + 1)),
      ETag: etagOf(meta),
      "Last-Modified": formatHttpDate(meta.modified),
      "Cache-Control": outcome.source === "stand-in" ? STAND_IN : IMMUTABLE,
      "Accept-Ranges": "bytes",
      "X-Content-Type-Options": "nosniff",
      "Cache-Status": formatCacheStatus(server, outcome),
    });
    if (negotiated) headers.set("Vary", "Accept");
    if (allowOrigin === "") return headers;
    headers.set("Access-Control-Allow-Origin", allowOrigin);
    headers.set("Timing-Allow-Origin", allowOrigin);
    return headers;
  };

  /** What a peer has is asked for again and again: a copy costs a seventh of building (bench/versus/peer-stream.ts). */
  const copied = (meta: VariantMeta, outcome: Outcome, negotiated: boolean): Headers => {
    const key = negotiated ? `${meta.relname} ` : meta.relname;
    const kept = ofPeers.get(key);
    const same = kept && sameBytes(kept.meta, meta) && sameOutcome(kept.outcome, outcome);
    if (same) return new Headers(kept.headers);
    const headers = build(meta, outcome, negotiated);
    ofPeers.set(key, { meta, outcome, headers });
    return new Headers(headers);
  };

  return {
    of(meta, outcome, negotiated) {
      if (outcome.source !== "hit" || outcome.via !== "") {
        const again = last?.meta === meta && last.negotiated === negotiated;
        if (last !== undefined && again && sameOutcome(last.outcome, outcome)) return last.headers;
        const headers = (outcome.source === "peer" ? copied : build)(meta, outcome, negotiated);
        last = { meta, outcome, negotiated, headers };
        return last.headers;
      }
      const memo = negotiated ? varying : plain;
      const kept = memo.get(meta.relname);
      if (kept !== undefined && sameBytes(kept.meta, meta)) return kept.headers;
      const headers = build(meta, outcome, negotiated);
      if (kept === undefined && plain.size + varying.size >= LIMITS.headerMemoMax) {
        (plain.size > 0 ? plain : varying).deleteFirst();
      }
      memo.set(meta.relname, { meta, headers });
      return headers;
    },
  };
}

/** The headers of a 304 out of those of the 200; `headDate` as in `faultResponse`. */
export function notModifiedHeaders(success: Headers, headDate?: number): Headers {
  const headers = new Headers();
  for (const name of OF_NOT_MODIFIED) {
    const value = success.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (headDate !== undefined) headers.set("Date", formatHttpDate(headDate));
  return headers;
}

function sameBytes(a: VariantMeta, b: VariantMeta): boolean {
  return a.validator === b.validator && a.bytes === b.bytes && a.modified === b.modified;
}

function sameOutcome(a: Outcome, b: Outcome): boolean {
  return (
    a.source === b.source && a.via === b.via && a.collapsed === b.collapsed && a.stored === b.stored
  );
}
