/** `GET /picture/{contentId}`: a small picture of a photo for the dashboard, which counts as no access of it anywhere. */

import { readFileSync } from "node:fs";
import { DEADLINES } from "../base/deadlines.ts";
import { isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { contentTypeOf, FORMATS, isContentId, ORIG, PLACEHOLDER } from "../base/variant.ts";
import type { Parts } from "../content/parts.ts";
import type { AdminPage } from "../http/admin.ts";
import { pathOfTarget } from "../http/image-url.ts";
import type { Server } from "../topology/topology.ts";
import { type AdminAnswer, askAdmin } from "./reach-admin.ts";

export const PICTURE_PATH = "/picture/";
/** Only what lies on this node's own disk: so that nodes that ask each other come to an end. */
const HERE = "?here";
/** Nodes that are asked, one after the other. */
const ELSEWHERE_MAX = 2;
const TYPES: ReadonlySet<string> = new Set(FORMATS.map(contentTypeOf));

type PictureParts = Pick<Parts, "local" | "cache" | "purged">;

/** `elsewhere`: nodes that the photo is hot at, its owner first. */
export function pictures(options: {
  readonly parts: PictureParts;
  readonly elsewhere: (id: string) => readonly Server[];
  readonly token: string | undefined;
}): AdminPage {
  const { parts, elsewhere, token } = options;
  let asking = 0;
  const fromOthers = async (id: string): Promise<AdminAnswer | undefined> => {
    if (asking >= LIMITS.picturesAskedMax) throw new Fault("overloaded", "too many pictures");
    asking++;
    try {
      return await firstElsewhere(elsewhere(id).slice(0, ELSEWHERE_MAX), { id, token });
    } finally {
      asking--;
    }
  };
  return async (request) => {
    const id = pathOfTarget(request.url).slice(PICTURE_PATH.length);
    if (!isContentId(id)) throw new Fault("not_found", "that is no content id");
    parts.purged.refuseBlocked(id);
    const onlyHere = request.url.endsWith(HERE);
    const found = pictureHere(parts, id) ?? (onlyHere ? undefined : await fromOthers(id));
    if (found === undefined) throw new Fault("not_found", "no small picture of it is at hand");
    return new Response(new Uint8Array(found.body), {
      headers: {
        "Content-Type": found.type,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      },
    });
  };
}

/** The one of fewest bytes; the placeholder only where there is nothing else. */
function pictureHere(
  { local, cache }: Pick<PictureParts, "local" | "cache">,
  id: string,
): AdminAnswer | undefined {
  const small = local
    .variants(id)
    .filter(({ variant, meta }) => variant.size !== ORIG && meta.bytes <= LIMITS.pictureBytesMax)
    .sort((a, b) => rank(a) - rank(b));
  for (const { variant, meta } of small) {
    try {
      const body = readFileSync(cache.pathOf(meta.relname));
      return { type: contentTypeOf(variant.ext), body };
    } catch (error) {
      // evicted since, or on a disk that fails: the next one will do
      if (!isMissing(error)) cache.noteUnread(meta.relname, error);
    }
  }
  return undefined;
}

function rank({ variant, meta }: ReturnType<Parts["local"]["variants"]>[number]): number {
  return meta.bytes + (variant.size === PLACEHOLDER ? LIMITS.pictureBytesMax : 0);
}

async function firstElsewhere(
  servers: readonly Server[],
  { id, token }: { readonly id: string; readonly token: string | undefined },
): Promise<AdminAnswer | undefined> {
  for (const server of servers) {
    try {
      const answer = await askAdmin(server, {
        ...{ path: `${PICTURE_PATH}${id}${HERE}`, token },
        waitMs: DEADLINES.pictureMs,
        bytesMax: LIMITS.pictureBytesMax,
      });
      if (TYPES.has(answer.type)) return answer;
    } catch {
      // why is told where its status is shown
    }
  }
  return undefined;
}
