/** The fields of every JSON of the control protocol, and what each may hold. All throw a Fault `bad_frame`. */

import { LIMITS } from "../base/limits.ts";
import { type Facts, isContentId } from "../base/variant.ts";
import * as f from "./fields.ts";
import type {
  Ack,
  Ask,
  End,
  ErrorMessage,
  Hello,
  HitRecord,
  ListedVariant,
  Proof,
  Purge,
  PurgeEntry,
  SaveHeader,
  TimedSpan,
  Warm,
} from "./messages.ts";

type Fields = f.Fields;

const BYTES: f.Span = { max: LIMITS.wireBodyBytesMax };
const MILLISECONDS: f.Span = { max: LIMITS.wireMillisecondsMax };
const MICROSECONDS: f.Span = { max: LIMITS.wireMillisecondsMax * 1000 };
const SECONDS: f.Span = { max: Number.MAX_SAFE_INTEGER };
const LOAD: f.Span = { max: 1e9 };
const BYTE: f.Span = { max: 255 };
const SIDE: f.Span = { max: LIMITS.pictureSideMax };
const TOKEN: f.Span = { max: LIMITS.wireNameCharsMax };
const NAME: f.Span = { min: 1, max: LIMITS.wireNameCharsMax };
const VIA: f.Span = { max: LIMITS.wireViaCharsMax };
const SHAPE: f.Span = { max: LIMITS.wireShapeCharsMax };
const DETAIL: f.Span = { max: LIMITS.wireDetailCharsMax };
const HITS: f.Span = { min: 1, max: 1e9 };

const WEB_ID = /^[A-Za-z0-9._~-]{1,128}$/;
const EXT = /^[a-z0-9]{2,5}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const SPAN_NAME = /^[a-z-]{1,32}$/;
/** They end up in a header, between quotes. */
const SERVER_NAME = /^[A-Za-z0-9._-]{1,128}$/;
const HEX16 = /^[0-9a-f]{16}$/;

const ROLES = ["owner", "local"] as const;
const ACKED = ["=", "&", "@", "-", "x"] as const;
const ACTIONS = ["purge", "withdraw", "block", "unblock", "origin"] as const;

/** Names that would mean something else on an object of ours. */
const NOT_FIELDS: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"]);

export function saveHeaderFrom(from: Fields, what: string): SaveHeader {
  return {
    relname: f.relname(from, what),
    bytes: f.mayCount(from, "bytes", what, BYTES),
    offset: f.mayCount(from, "offset", what, BYTES),
    head: f.mayFlag(from, "head", what),
    validator: f.mayHex16(from, "validator", what),
    modified: f.mayCount(from, "modified", what, SECONDS),
    facts: factsFrom(from["facts"], what),
    lossySteps: f.mayCount(from, "lossySteps", what, BYTE),
    sourceAt: f.mayCount(from, "sourceAt", what, SECONDS),
    via: f.mayPrintable(from, "via", what, VIA),
    detail: f.mayPrintable(from, "detail", what, DETAIL),
    shape: f.mayPrintable(from, "shape", what, SHAPE),
    standIn: f.mayFlag(from, "standIn", what),
    held:
      from["held"] === undefined
        ? undefined
        : f.list(from, "held", what, { min: 0, max: LIMITS.wireHeldMax, read: serverFrom }),
    load: loadFrom(from["load"], what),
    spans:
      from["spans"] === undefined
        ? undefined
        : f.list(from, "spans", what, { max: LIMITS.traceSpansMax, read: spanFrom }),
    variants:
      from["variants"] === undefined
        ? undefined
        : f.list(from, "variants", what, { max: LIMITS.wireListedMax, read: listedFrom }),
    upload: uploadFrom(from["upload"], what),
  };
}

function spanFrom(item: unknown, what: string, name: string): TimedSpan {
  const from = f.object(item, what, name);
  const inside = `${what}: ${name}`;
  return {
    name: f.matching(from, "name", inside, SPAN_NAME),
    us: f.count(from, "us", inside, MICROSECONDS),
    at: f.matching(from, "at", inside, SERVER_NAME),
    hop: f.count(from, "hop", inside, BYTE),
  };
}

function serverFrom(item: unknown, what: string, name: string): string {
  return f.printable({ [name]: item }, name, what, NAME);
}

function listedFrom(item: unknown, what: string, name: string): ListedVariant {
  const from = f.object(item, what, name);
  const inside = `${what}: ${name}`;
  return {
    relname: f.relname(from, inside),
    bytes: f.count(from, "bytes", inside, BYTES),
    validator: f.hex16(from, "validator", inside),
  };
}

function loadFrom(value: unknown, what: string): SaveHeader["load"] {
  if (value === undefined) return undefined;
  const from = f.object(value, what, "load");
  const inside = `${what}: load`;
  return { rate: f.count(from, "rate", inside, LOAD), busy: f.count(from, "busy", inside, LOAD) };
}

function factsFrom(value: unknown, what: string): Facts | undefined {
  if (value === undefined) return undefined;
  const from = f.object(value, what, "facts");
  const inside = `${what}: facts`;
  return {
    width: f.count(from, "width", inside, SIDE),
    height: f.count(from, "height", inside, SIDE),
    alpha: f.flag(from, "alpha", inside),
    animated: f.flag(from, "animated", inside),
  };
}

function uploadFrom(value: unknown, what: string): SaveHeader["upload"] {
  if (value === undefined) return undefined;
  const from = f.object(value, what, "upload");
  const inside = `${what}: upload`;
  return {
    webId: f.mayMatching(from, "webId", inside, WEB_ID),
    sha256: f.mayHex64(from, "sha256", inside),
    unchecked: f.mayFlag(from, "unchecked", inside),
  };
}

/** Of one relname, as legacy peers say it, or of several. */
export function recordFrom(from: Fields, what: string): HitRecord {
  if (!Array.isArray(from["hits"])) {
    const relname = f.relname(from, what);
    return { hits: [{ relname, count: f.mayCount(from, "hits", what, HITS) ?? 1 }] };
  }
  return {
    hits: f.list(from, "hits", what, { min: 1, max: LIMITS.wireRecordsMax, read: hitFrom }),
  };
}

function hitFrom(item: unknown, what: string, name: string): HitRecord["hits"][number] {
  const from = f.object(item, what, name);
  const inside = `${what}: ${name}`;
  return { relname: f.relname(from, inside), count: f.count(from, "count", inside, HITS) };
}

export function warmFrom(from: Fields, what: string): Warm {
  return { relname: f.relname(from, what), owner: f.mayPrintable(from, "owner", what, NAME) };
}

export function helloFrom(from: Fields, what: string): Hello {
  return {
    name: f.printable(from, "name", what, NAME),
    epoch: f.printable(from, "epoch", what, TOKEN),
    version: f.count(from, "version", what, { min: 1, max: 65_535 }),
    nonce: f.hex64(from, "nonce", what),
    keys:
      from["keys"] === undefined
        ? undefined
        : f.list(from, "keys", what, { min: 1, max: LIMITS.wireKeysMax, read: keyFrom }),
    key: f.mayHex16(from, "key", what),
    proof: f.mayHex64(from, "proof", what),
  };
}

function keyFrom(item: unknown, what: string, name: string): string {
  if (typeof item === "string" && HEX16.test(item)) return item;
  throw f.unfit(what, name, "not 16 hex digits");
}

export function proofFrom(from: Fields, what: string): Proof {
  return { proof: f.hex64(from, "proof", what) };
}

export function askFrom(from: Fields, what: string): Ask {
  return {
    relname: f.relname(from, what),
    role: f.oneOf(from, "role", what, ROLES),
    epoch: f.printable(from, "epoch", what, TOKEN),
    hops: f.count(from, "hops", what, BYTE),
    deadlineMs: f.count(from, "deadlineMs", what, { min: 1, max: MILLISECONDS.max }),
    offset: f.mayCount(from, "offset", what, BYTES),
    ifNoneMatch: f.mayHex16(from, "ifNoneMatch", what),
    head: f.mayFlag(from, "head", what),
    facts: f.mayFlag(from, "facts", what),
    list: f.mayFlag(from, "list", what),
    copy: f.mayFlag(from, "copy", what),
    standIn: f.mayFlag(from, "standIn", what),
    trace: f.mayPrintable(from, "trace", what, TOKEN),
    originalExt: f.mayMatching(from, "originalExt", what, EXT),
    traceparent: f.mayMatching(from, "traceparent", what, TRACEPARENT),
    timed: f.mayFlag(from, "timed", what),
  };
}

export function errorFrom(from: Fields, what: string): ErrorMessage {
  return {
    code: f.printable(from, "code", what, NAME),
    retryAfterMs: f.mayCount(from, "retryAfterMs", what, MILLISECONDS),
  };
}

export function endFrom(from: Fields, what: string): End {
  return { bytes: f.count(from, "bytes", what, BYTES), xxh64: f.hex16(from, "xxh64", what) };
}

export function ackFrom(from: Fields, what: string): Ack {
  return {
    of: f.oneOf(from, "of", what, ACKED),
    ok: f.flag(from, "ok", what),
    relname: f.mayRelname(from, what),
    code: f.mayPrintable(from, "code", what, TOKEN),
    message: f.mayPrintable(from, "message", what, DETAIL),
    retryAfterMs: f.mayCount(from, "retryAfterMs", what, MILLISECONDS),
    note: f.mayPrintable(from, "note", what, DETAIL),
    detail: detailFrom(from["detail"], what),
  };
}

function detailFrom(value: unknown, what: string): Ack["detail"] {
  if (value === undefined) return undefined;
  const fields = Object.entries(f.object(value, what, "detail"));
  return Object.fromEntries(fields.filter(([name]) => !NOT_FIELDS.has(name)));
}

export function purgeFrom(from: Fields, what: string): Purge {
  return {
    entries: f.list(from, "entries", what, { max: LIMITS.wirePurgesMax, read: purgeEntryFrom }),
    hops: f.count(from, "hops", what, BYTE),
    to: f.mayPrintable(from, "to", what, NAME),
    since: sinceFrom(from["since"], what),
  };
}

function purgeEntryFrom(item: unknown, what: string, name: string): PurgeEntry {
  const from = f.object(item, what, name);
  const inside = `${what}: ${name}`;
  const { id } = from;
  if (typeof id !== "string" || !isContentId(id)) throw f.unfit(inside, "id", "no content id");
  return {
    id,
    purgedAt: f.count(from, "purgedAt", inside, SECONDS),
    action: f.oneOf(from, "action", inside, ACTIONS),
  };
}

function sinceFrom(value: unknown, what: string): Purge["since"] {
  if (value === undefined) return undefined;
  const from = f.object(value, what, "since");
  const inside = `${what}: since`;
  return {
    log: f.printable(from, "log", inside, TOKEN),
    seq: f.count(from, "seq", inside, SECONDS),
  };
}
