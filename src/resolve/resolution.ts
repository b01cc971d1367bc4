/** What a web id resolves to, and who says so: the port (spec §5). */

import type { OriginalExt } from "../base/variant.ts";

export type Resolution =
  | {
      readonly kind: "known";
      readonly id: string;
      /** Of the original, when whoever resolved it knows. */
      readonly ext: OriginalExt | undefined;
    }
  /** Known not to exist. */
  | { readonly kind: "unknown" };

export interface Resolver {
  /**
   * Throws `resolver_down` when nobody can say, `overloaded` when too many lookups are under way. `traceparent` is that
   * of the first who asks.
   */
  resolve(webId: string, traceparent?: string): Promise<Resolution>;
  /** The web id has come to stand for something: what is remembered of it no longer holds. */
  forget(webId: string): void;
  /** The same for every web id that leads to one of these content ids. */
  forgetIds(ids: ReadonlySet<string>): void;
}
