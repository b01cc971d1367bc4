/** What the life of a request ends in, and how it was come by. */

import type { Body } from "../base/body.ts";
import type { Format, VariantMeta } from "../base/variant.ts";
import type { Trace } from "../observe/trace.ts";
import type { RedirectTarget } from "../topology/topology.ts";

/** Where the bytes came from, as `Cache-Status` tells it (spec §11). */
export type Source = "hit" | "peer" | "generated" | "upstream" | "origin" | "stand-in";

export interface Outcome {
  readonly source: Source;
  /** The request joined another's flight. */
  readonly collapsed: boolean;
  /** The answer is kept here. */
  readonly stored: boolean;
  /** `Cache-Status` members of the nodes behind this one, closest to the origin first; "" when there are none. */
  readonly via: string;
}

/** Found on disk here, or held in memory. */
export const HIT: Outcome = { source: "hit", collapsed: false, stored: false, via: "" };

export type Served = { readonly meta: VariantMeta; readonly outcome: Outcome } & (
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Not yet whole here; its length is known and its bytes come as they arrive. */
  | { readonly kind: "stream"; readonly body: Body }
);

/** The client itself is to ask another node of the level, which owns the picture (`peer_mode`). */
export interface Elsewhere {
  readonly kind: "elsewhere";
  readonly target: RedirectTarget;
}

export interface ContentRequest {
  readonly webId: string;
  /** A size name of the topology (a class, an exact box, or `orig`): boxes were snapped at the border. */
  readonly size: string;
  /** `auto` still has to become a format; ignored for `orig`. */
  readonly format: Format | "auto";
  /** Formats better than the base one that the client accepts and the site offers, best first; used for `auto`. */
  readonly accepted: readonly Format[];
  /** Only the head is wanted: no body will be read. */
  readonly head: boolean;
  /** Aborted when the client has gone; asked for only where there is something to wait for. */
  readonly signal?: (() => AbortSignal) | undefined;
  /** Made when it is first asked for: for what is not answered from here at once. */
  readonly tracing?: (() => Trace | undefined) | undefined;
  /** Another node sent the client here: it is not sent on again. */
  readonly redirected: boolean;
}

/** What is on disk here is answered at once. Throws, or rejects with, a Fault for every expected failure. */
export type FetchContent = (request: ContentRequest) => Served | Promise<Served | Elsewhere>;
