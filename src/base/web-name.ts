/** Web ids and the content ids they stand for where no resolver API says otherwise (spec §5). */

import { LIMITS } from "./limits.ts";
import { isContentId } from "./variant.ts";

const WEB_ID = new RegExp(`^[A-Za-z0-9._~-]{1,${LIMITS.webIdCharsMax}}$`);
const ESCAPE = "web-";

/** `.` and `..` have the right characters, but in any path or URL they would name something else. */
export function isWebId(text: string): boolean {
  return WEB_ID.test(text) && text !== "." && text !== "..";
}

/**
 * The web id itself when it is a valid content id, else `web-` + base64url(web id): `phone` is `web-cGhvbmU`.
 * undefined when it is no web id, or so long that its escape would be no content id (over 69 characters).
 * A web id that looks like an escape is taken for the content id it is, so that content ids map to themselves.
 */
export function contentIdOfWebId(webId: string): string | undefined {
  if (!isWebId(webId)) return undefined;
  if (isContentId(webId)) return webId;
  const escaped = escapeOf(webId);
  return isContentId(escaped) ? escaped : undefined;
}

/** The web id inside an escaped content id; undefined for every id that `contentIdOfWebId` would not make. */
export function webIdOfContentId(id: string): string | undefined {
  if (!id.startsWith(ESCAPE) || !isContentId(id)) return undefined;
  // latin1 keeps one character a byte, so bytes that are no web id fail the test below
  const webId = Buffer.from(id.slice(ESCAPE.length), "base64url").toString("latin1");
  if (!isWebId(webId) || isContentId(webId)) return undefined;
  return escapeOf(webId) === id ? webId : undefined;
}

function escapeOf(webId: string): string {
  return ESCAPE + Buffer.from(webId, "latin1").toString("base64url");
}
