/** From web id to content id: what it resolves to, and the two ways of finding out (spec §5). */

import type { OriginalExt } from "../base/variant.ts";
import { contentIdOfWebId } from "../base/web-name.ts";

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
  /** Throws `resolver_down` when nobody can say, `overloaded` when too many lookups are under way. */
  resolve(webId: string): Promise<Resolution>;
  /** The web id has come to stand for something: what is remembered of it no longer holds. */
  forget(webId: string): void;
}

/** Without an API the web id *is* the content id, escaped where it would be no valid one. */
export function makeEmbeddedResolver(): Resolver {
  return {
    async resolve(webId) {
      const id = contentIdOfWebId(webId);
      return id === undefined ? { kind: "unknown" } : { kind: "known", id, ext: undefined };
    },
    forget() {
      // nothing is remembered
    },
  };
}
