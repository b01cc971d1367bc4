/** The photos that are asked for most, with their pictures. */

import { figure } from "./format.ts";
import { panel } from "./panels.ts";
import { h, type Spec } from "./render.ts";
import { authorization } from "./stream.ts";
import { serversOf, type View } from "./view.ts";

/** Photos shown at once. */
const SHOWN = 12;
const PICTURE_MS = 5_000;
/** A picture that could not be had is tried again after so many documents. */
const AGAIN_AFTER = 5;

export interface HotPhoto {
  readonly id: string;
  readonly owner: string;
  /** Accesses a second, as the server sees them that sees most. */
  readonly rate: number;
  readonly servers: number;
}

/** By score: a node that owns an id sees all of its accesses, the others theirs. */
export function hottest(view: View): readonly HotPhoto[] {
  const byId = new Map<string, HotPhoto & { readonly score: number }>();
  for (const { status } of serversOf(view.document)) {
    for (const { id, owner, rate, score, holders } of status?.hot.items ?? []) {
      const servers = new Set([owner, ...holders]).size;
      const known = byId.get(id);
      if (known !== undefined && known.score >= score) continue;
      byId.set(id, { id, owner, rate, servers: Math.max(servers, known?.servers ?? 1), score });
    }
  }
  return [...byId.values()]
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, SHOWN);
}

export function hotPhotos(
  photos: readonly HotPhoto[],
  addresses: ReadonlyMap<string, string>,
): Spec {
  const list = photos.map(({ id, owner, rate, servers }) => {
    const address = addresses.get(id);
    return h(
      "li",
      { key: id },
      address === undefined
        ? h("span", { class: "picture none", "aria-hidden": "true" })
        : h("img", { class: "picture", src: address, alt: "", width: 96, height: 96 }),
      h("span", { class: "id", title: id }, id),
      h(
        "span",
        { class: "note" },
        `${figure(rate)}/s · ${owner}${servers > 1 ? ` +${servers - 1}` : ""}`,
      ),
    );
  });
  return panel(
    "Hottest photos",
    list.length === 0
      ? h("p", { class: "quiet" }, "Nothing is asked for much at the moment.")
      : h("ol", { class: "photos" }, list),
  );
}

/** Pictures that were had from `/picture/`, as addresses within the page, for as long as their photo is hot. */
export function makePictures(token: () => string | undefined): {
  readonly addresses: ReadonlyMap<string, string>;
  /** Fetches what lacks, lets go of what is not shown any more. */
  follow(photos: readonly HotPhoto[]): void;
} {
  const addresses = new Map<string, string>();
  const resting = new Map<string, number>();
  const fetching = new Set<string>();
  const get = async (id: string): Promise<void> => {
    const answer = await fetch(`/picture/${id}`, {
      headers: authorization(token()),
      signal: AbortSignal.timeout(PICTURE_MS),
    });
    if (!answer.ok) return;
    const picture = await answer.blob();
    if (fetching.has(id)) addresses.set(id, URL.createObjectURL(picture));
  };
  return {
    addresses,
    follow(photos) {
      const shown = new Set(photos.map(({ id }) => id));
      for (const [id, address] of addresses) {
        if (shown.has(id)) continue;
        URL.revokeObjectURL(address);
        addresses.delete(id);
      }
      for (const id of resting.keys()) if (!shown.has(id)) resting.delete(id);
      for (const id of shown) {
        const rest = resting.get(id) ?? 0;
        resting.set(id, Math.max(0, rest - 1));
        if (rest > 0 || addresses.has(id) || fetching.has(id)) continue;
        fetching.add(id);
        resting.set(id, AGAIN_AFTER);
        get(id)
          .catch(() => undefined)
          .finally(() => fetching.delete(id));
      }
    },
  };
}
