/** A load under way on this node, as whoever leads it and whoever waits for it know it (design decision 7). */

import type { Fault } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Source } from "./served.ts";

/** What a flight loads, known once its source has answered. */
export interface FlightHead {
  readonly meta: VariantMeta;
  readonly source: Source;
  readonly via: string;
  /** The file that grows; "" when nothing was written. */
  readonly temp: string;
  /** The whole variant is kept in the cache. Only true at the end. */
  readonly stored: boolean;
}

export type FlightView =
  | { readonly kind: "opening" }
  | { readonly kind: "filling"; readonly head: FlightHead; readonly bytes: number }
  | { readonly kind: "done"; readonly head: FlightHead }
  | { readonly kind: "failed"; readonly fault: Fault }
  /** There is no room to keep it: each asker streams it for itself. */
  | { readonly kind: "solo" }
  /** The holder died, or the record was claimed again: look in the cache, or start over. */
  | { readonly kind: "lost" };

/** A claim on one load; exactly one of `done`, `fail`, `solo` ends it. */
export interface Lead {
  readonly ticket: Ticket;
  begin(head: FlightHead): void;
  progress(bytes: number): void;
  done(head: FlightHead): void;
  fail(fault: Fault): void;
  solo(): void;
  /** Nobody waited for it: whoever has come since looks again. */
  abandon(): void;
  /** How many wait for it, over all workers. */
  askers(): number;
}

/** A look at a load under way, from any worker. */
export interface Ticket {
  /** The word to hand to `changed`; read it before `look`. */
  tick(): number;
  look(): FlightView;
  /** Resolves when the flight moved on from `tick`, at the latest after `DEADLINES.flightTickMs`. */
  changed(tick: number): Promise<void>;
  /** Counts one more who waits for it, until disposed. */
  wait(): Disposable;
}
