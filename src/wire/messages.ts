/** What the frames of the control protocol say. */

import { Fault } from "../base/fault.ts";
import { type Facts, UNKNOWN_FACTS, type VariantMeta } from "../base/variant.ts";

/** What an upload said of itself, handed down with it. */
interface Upload {
  readonly webId?: string | undefined;
  /** Of the bytes, as the uploader told it. */
  readonly sha256?: string | undefined;
  /** Whoever vouched for it first could not learn whether other bytes are stored under its id. */
  readonly unchecked?: boolean | undefined;
}

/** Whole numbers: answers a second of late, and requests of peers under way. */
interface NodeLoad {
  readonly rate: number;
  readonly busy: number;
}

/** What took how long at which node, `hop` nodes behind the one that tells. */
export interface TimedSpan {
  readonly name: string;
  /** Microseconds. */
  readonly us: number;
  readonly at: string;
  readonly hop: number;
}

/** As in VariantMeta. */
export interface ListedVariant {
  readonly relname: string;
  readonly bytes: number;
  readonly validator: string;
}

/** Header of `=` and `&`; a plain Save has only the relname. */
export interface SaveHeader {
  readonly relname: string;
  /** Length of the whole variant; the body has less of it after an offset, and nothing of it for `head`. */
  readonly bytes?: number | undefined;
  readonly offset?: number | undefined;
  readonly head?: boolean | undefined;
  readonly validator?: string | undefined;
  readonly modified?: number | undefined;
  readonly facts?: Facts | undefined;
  readonly lossySteps?: number | undefined;
  /** Unix seconds at which its original was read, at the earliest. */
  readonly sourceAt?: number | undefined;
  readonly via?: string | undefined;
  readonly detail?: string | undefined;
  /** What its size says where it comes from (`shapeText`); not said of an original. */
  readonly shape?: string | undefined;
  /** Not the variant that was asked for, but one in its place. */
  readonly standIn?: boolean | undefined;
  /** Servers that have a copy of it too, as its owner knows. Only in an answer. */
  readonly held?: readonly string[] | undefined;
  /** How busy the answering node is. Only in an answer. */
  readonly load?: NodeLoad | undefined;
  /** Where its time went, here and behind. Only in an answer to an ask that wants it. */
  readonly spans?: readonly TimedSpan[] | undefined;
  /** What the answering node has of the id on disk, where that was asked. Only in an answer. */
  readonly variants?: readonly ListedVariant[] | undefined;
  /** Only in a Save from a dialler. */
  readonly upload?: Upload | undefined;
}

/** `@`: hits a replica served in the owner's place; of one relname as legacy peers say it, or of several. */
export interface HitRecord {
  readonly hits: readonly { readonly relname: string; readonly count: number }[];
}

/** `-`: a bare relname; from an extended peer it may be JSON that also names who owns it. */
export interface Warm {
  readonly relname: string;
  readonly owner?: string | undefined;
}

/** `!` */
export interface Hello {
  readonly name: string;
  readonly epoch: string;
  /** Of the protocol. */
  readonly version: number;
  readonly nonce: string;
  /** Ids of the control keys that a dialler has. */
  readonly keys?: readonly string[] | undefined;
  /** Id of the one that a listener chose, and its proof that it has it. */
  readonly key?: string | undefined;
  readonly proof?: string | undefined;
}

/** The dialler's second `!`: that it has the key too. */
export interface Proof {
  readonly proof: string;
}

/** `?` */
export interface Ask {
  readonly relname: string;
  readonly role: "owner" | "local";
  readonly epoch: string;
  readonly hops: number;
  /** Until the first byte of `=`. */
  readonly deadlineMs: number;
  readonly offset?: number | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly head?: boolean | undefined;
  readonly facts?: boolean | undefined;
  /** With `facts`, as `local`: everything of the id that is on disk. */
  readonly list?: boolean | undefined;
  /** It is to be kept as a copy of what is hot: nobody has asked for it. */
  readonly copy?: boolean | undefined;
  /** Such a one will do. */
  readonly standIn?: boolean | undefined;
  readonly trace?: string | undefined;
  readonly originalExt?: string | undefined;
  /** W3C trace context of the request that this is asked for. */
  readonly traceparent?: string | undefined;
  /** The answer is to say where its time went. */
  readonly timed?: boolean | undefined;
}

/** `~` */
export interface ErrorMessage {
  readonly code: string;
  readonly retryAfterMs?: number | undefined;
}

/** `.`: of the body bytes of the `=` before it. */
export interface End {
  readonly bytes: number;
  readonly xxh64: string;
}

/** `%`: what became of the message named by its command byte. */
export interface Ack {
  readonly of: "=" | "&" | "@" | "-" | "x";
  readonly ok: boolean;
  readonly relname?: string | undefined;
  /** Why not; like the code of `~`. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** What was done, in a word or two. */
  readonly note?: string | undefined;
  /** More of it; each message has its own. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** `x`: what is to happen to ids; for `purge`, every variant from a source older than this goes. */
export interface Purge {
  readonly entries: readonly PurgeEntry[];
  /** Nodes passed before the one that is told. */
  readonly hops: number;
  /** The node that it is for, when that is not the one it is told. */
  readonly to?: string | undefined;
  /** What the teller has heard of the told one's orders so far: it wants those that came later. */
  readonly since?: { readonly log: string; readonly seq: number } | undefined;
}

export interface PurgeEntry {
  readonly id: string;
  /** Unix seconds. */
  readonly purgedAt: number;
  readonly action: "purge" | "withdraw" | "block" | "unblock" | "origin";
}

export type Message =
  | { readonly kind: "heartbeat" | "ping" | "pong" }
  | { readonly kind: "request"; readonly relname: string }
  | { readonly kind: "warm"; readonly warm: Warm }
  | { readonly kind: "record"; readonly record: HitRecord }
  | {
      readonly kind: "save" | "rebalance";
      readonly header: SaveHeader;
      /** Content that follows. */
      readonly bodyBytes: number;
    }
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "proof"; readonly proof: string }
  | { readonly kind: "ask"; readonly ask: Ask }
  | { readonly kind: "error"; readonly error: ErrorMessage }
  | { readonly kind: "end"; readonly end: End }
  | { readonly kind: "ack"; readonly ack: Ack }
  | { readonly kind: "purge"; readonly purge: Purge };

/**
 * What an extended `=` says of its variant. Throws a Fault `bad_frame` when the length or validator is
 * missing, or when body, offset and length do not fit together.
 */
export function metaOf(header: SaveHeader, bodyBytes: number): VariantMeta {
  const { bytes: total, validator, offset = 0 } = header;
  if (total === undefined || validator === undefined) {
    throw new Fault("bad_frame", "save: an extended answer needs bytes and validator");
  }
  const expected = header.head === true ? 0 : total - offset;
  if (bodyBytes !== expected) {
    throw new Fault(
      "bad_frame",
      `save: ${bodyBytes} bytes of body where ${expected} were announced`,
    );
  }
  return {
    relname: header.relname,
    bytes: total,
    validator,
    modified: header.modified ?? 0,
    facts: header.facts ?? UNKNOWN_FACTS,
    lossySteps: header.lossySteps ?? 0,
    sourceAt: header.sourceAt,
  };
}
