/** What nodes ask of each other and answer, on either side of the wire. */

import type { Body } from "../base/body.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { ListedVariant, TimedSpan } from "../wire/messages.ts";

export interface PeerRequest {
  readonly relname: string;
  /** `owner`: serve, make, go upstream or refuse, never sideways. `local`: from disk or not found, no work. */
  readonly role: "owner" | "local";
  /** Milliseconds until the first byte of the answer; fractions are cut off. */
  readonly deadlineMs: number;
  /** Nodes passed before the one that is asked. */
  readonly hops: number;
  /** No body wanted. */
  readonly head?: boolean | undefined;
  /** Only the facts of the picture are wanted; answered like `head`. */
  readonly facts?: boolean | undefined;
  /** With `facts`, as `local`: everything of the id that is on disk, counted nowhere. */
  readonly list?: boolean | undefined;
  /** It is to be kept as a copy of what is hot: no access. */
  readonly copy?: boolean | undefined;
  /** A larger variant, or one of another format, will do when there is no image worker in time. */
  readonly standIn?: boolean | undefined;
  /** First byte of the variant that is wanted; default 0. */
  readonly offset?: number | undefined;
  /** A validator; an answer that still has it comes without a body. */
  readonly ifNoneMatch?: string | undefined;
  /** What the resolver said the original is, so that the one below need not guess. */
  readonly originalExt?: string | undefined;
  /** Tags of the nodes passed, joined by dots. */
  readonly trace?: string | undefined;
  /** W3C trace context of the request that this is asked for. */
  readonly traceparent?: string | undefined;
  /** The answer is to say where its time went. */
  readonly timed?: boolean | undefined;
}

export interface PeerBody extends Body {
  /** All of it, when it has come whole and been verified, and nothing has been read; the body is at its end then. */
  takeWhole?(): Uint8Array | undefined;
}

export interface PeerReply {
  readonly meta: VariantMeta;
  /** `Cache-Status` members of the nodes behind this one. */
  readonly via: string;
  /** How the peer came by it, as its `Cache-Status` detail tells. */
  readonly detail: string;
  /** What its size says at the peer; undefined of an original, and from nodes that do not tell. */
  readonly shape?: string | undefined;
  /** It is another variant than the one that was asked for, sent in its place for now. */
  readonly standIn?: boolean | undefined;
  /** Other servers that have a copy of it, as its owner knows. */
  readonly held?: readonly string[] | undefined;
  /** How busy the peer is: its answers a second, and requests of peers under way. */
  readonly load?: { readonly rate: number; readonly busy: number } | undefined;
  /** Where its time went, there and behind. */
  readonly spans?: readonly TimedSpan[] | undefined;
  /** What it has of the id on disk, where that was asked; undefined from nodes that know no such question. */
  readonly variants?: readonly ListedVariant[] | undefined;
  /** From `offset` on; empty for `head`, `facts` and a validator that still matches. */
  readonly body: PeerBody;
}

/** Where the bytes of an answer are; always the whole variant, the listener skips to the offset. */
export type AnswerSource =
  /** `head`, `facts`, or the asker's validator still matches. */
  | { readonly kind: "none" }
  /** `published`: xxh64 that it should have, where that is known. */
  | { readonly kind: "file"; readonly path: string; readonly published?: string | undefined }
  /** `xxh64` of the bytes, where it is known. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly xxh64?: string }
  | { readonly kind: "body"; readonly body: Body };

export interface PeerAnswer {
  readonly meta: VariantMeta;
  readonly via: string;
  readonly detail: string;
  /** As in PeerReply. */
  readonly shape?: string | undefined;
  readonly standIn?: boolean | undefined;
  readonly send: AnswerSource;
  readonly held?: PeerReply["held"];
  readonly load?: PeerReply["load"];
  readonly spans?: PeerReply["spans"];
  readonly variants?: PeerReply["variants"];
  /** Hears that a file cannot be opened, or is not what was published. */
  readonly spoiled?: (() => void) | undefined;
}

export interface AskFromPeer extends PeerRequest {
  /** Name in the peer's hello; the address of a legacy peer. */
  readonly peer: string;
  readonly legacy: boolean;
  /** Aborted when the asker has gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

/**
 * Throws, or rejects with, a Fault to refuse. What is at hand it gives at once: then the answer leaves before anything
 * else happens. Whatever it comes to after `signal` has been aborted is given back unread.
 */
export type PeerHandler = (request: AskFromPeer) => PeerAnswer | Promise<PeerAnswer>;
