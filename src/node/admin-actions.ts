/** What an operator may tell a node to do, by path of the admin listener. */

import type { Parts } from "../content/parts.ts";
import type { AdminAction } from "../http/admin.ts";

/** They run on the main thread, with parts of its own, beside the workers. */
export function adminActions(_parts: Parts): Readonly<Record<string, AdminAction>> {
  return {};
}
