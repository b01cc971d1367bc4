/** What nodes tell each other without asking for a variant, and what the told one answers. */

import type { Body } from "../base/body.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { PeerHandler } from "./peer.ts";

/** What an upload said of itself; handed down with its bytes. */
export interface UploadNote {
  readonly webId?: string | undefined;
  /** 64 hex digits, of the bytes. */
  readonly sha256?: string | undefined;
  /** Whoever vouched for it first could not learn whether other bytes are stored under its id. */
  readonly unchecked?: boolean | undefined;
}

/** At most LIMITS.wireRecordsMax in one message. */
export interface Hit {
  readonly relname: string;
  /** 1 or more. */
  readonly count: number;
}

/** At most LIMITS.wirePurgesMax in one message. */
export interface PurgeEntry {
  readonly id: string;
  /** Unix seconds. */
  readonly purgedAt: number;
  readonly action: "purge" | "withdraw" | "block" | "unblock" | "origin";
}

export interface PurgeTold {
  /** None in a mere question. */
  readonly entries: readonly PurgeEntry[];
  readonly hops: number;
  /** The node that it is for, when that is not the one it is told. */
  readonly to?: string | undefined;
  /** How far the teller knows the orders of the told one: it wants those that came later. */
  readonly since?: { readonly log: string; readonly seq: number } | undefined;
}

export type Tell =
  | {
      /** `save`: keep it and hand it on; `rebalance`: keep it at this level only. */
      readonly kind: "save" | "rebalance";
      readonly meta: VariantMeta;
      /** The file that is sent; `meta.bytes` long. */
      readonly path: string;
      /** As in PeerReply. */
      readonly shape?: string | undefined;
      readonly upload?: UploadNote | undefined;
    }
  | { readonly kind: "warm"; readonly relname: string; readonly owner?: string | undefined }
  | { readonly kind: "record"; readonly hits: readonly Hit[] }
  | ({ readonly kind: "purge" } & PurgeTold);

/** What the positive `%` said; of a legacy peer, that the message was sent. */
export interface Told {
  readonly ok: true;
  readonly note: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Becomes a `%` with ok: true. Characters of the note other than printable ASCII are replaced. */
export interface ToldAnswer {
  readonly note: string;
  /** At most what fits into a header beside the rest; JSON. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** From an extended peer whole; from a legacy one only what it said, as a rule the relname. */
export type ToldMeta = Pick<VariantMeta, "relname"> & {
  readonly [K in keyof VariantMeta]?: VariantMeta[K] | undefined;
};

interface FromPeer {
  /** Name in the peer's hello; the address of a legacy peer. */
  readonly peer: string;
  /** No answer reaches it; a refused Save closes its connection. */
  readonly legacy: boolean;
  /** Aborted when the teller has gone. */
  readonly signal: AbortSignal;
}

export interface SaveMessage extends FromPeer {
  readonly kind: "save" | "rebalance";
  readonly meta: ToldMeta;
  /** As in PeerReply. */
  readonly shape: string | undefined;
  readonly upload: UploadNote | undefined;
  /** Length of the body. */
  readonly bytes: number;
  /** To be read to its end, which is verified, or cancelled; what is left unread is dropped. */
  readonly body: Body;
}

export interface WarmMessage extends FromPeer {
  readonly relname: string;
  readonly owner: string | undefined;
}

export interface RecordMessage extends FromPeer {
  readonly hits: readonly Hit[];
}

export interface PurgeMessage extends FromPeer, PurgeTold {}

/** Each throws a Fault to refuse. A message whose handler is absent is refused. */
export interface PeerHandlers {
  readonly ask: PeerHandler;
  readonly save?: ((message: SaveMessage) => Promise<ToldAnswer>) | undefined;
  readonly warm?: ((message: WarmMessage) => Promise<ToldAnswer>) | undefined;
  readonly record?: ((message: RecordMessage) => Promise<ToldAnswer>) | undefined;
  readonly purge?: ((message: PurgeMessage) => Promise<ToldAnswer>) | undefined;
}
