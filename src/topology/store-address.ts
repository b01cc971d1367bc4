/** `[s3] host` as people write it → where the store is reached (spec §11). */

import { isIP } from "node:net";

export type StoreAddress =
  /** `endpoint` is `https://…` or `http://…` without a trailing slash. */
  | { readonly kind: "ok"; readonly endpoint: string; readonly hostname: string }
  | { readonly kind: "bad" };

/** What a mistake says is expected. */
export const STORE_ADDRESS_EXPECTED =
  "a host, or http:// or https:// with a host (no path, user or query)";

/** A bare host means https. */
export function parseStoreAddress(text: string): StoreAddress {
  const withScheme = text.includes("://") ? text : `https://${text}`;
  if (!/^https?:\/\/[^\s\\]+$/i.test(withScheme) || !URL.canParse(withScheme))
    return { kind: "bad" };
  const url = new URL(withScheme);
  const more = `${url.username}${url.password}${url.search}${url.hash}`;
  if (more !== "" || url.pathname !== "/" || /[?#@]/.test(withScheme)) return { kind: "bad" };
  return { kind: "ok", endpoint: url.origin, hostname: url.hostname };
}

/** An address without letters cannot carry a bucket in front of it. */
export function isAddress(hostname: string): boolean {
  return hostname === "localhost" || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}
