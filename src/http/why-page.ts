/** `GET /why/{id}?size=&format=` of the admin listener: what `mir why` prints, as JSON. */

import { Fault } from "../base/fault.ts";
import type { AdminPage } from "./admin.ts";

const PREFIX = "/why/";

export function whyPage(
  why: (asked: string, query: URLSearchParams) => Promise<unknown>,
): AdminPage {
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const document = await why(unescaped(pathname.slice(PREFIX.length)), searchParams);
    const headers = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
    return Response.json(document, { headers });
  };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Fault("bad_request", "the id is not well escaped", { cause });
  }
}
