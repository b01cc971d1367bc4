/** The path of a request for a line of the log. */

import { LIMITS } from "../base/limits.ts";

/** With the query, as far as URLs are looked at. */
export function pathOfUrl(url: string): string {
  const scheme = url.indexOf("://");
  const slash = scheme === -1 ? 0 : url.indexOf("/", scheme + "://".length);
  return url.slice(Math.max(0, slash), Math.max(0, slash) + LIMITS.urlCharsMax);
}
