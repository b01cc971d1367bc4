/** The names an original may have in a store, in the order they are tried (spec §11 "Origin"). */

import { originalExtOf, spellingsOf } from "../base/ext-names.ts";
import { ORIG, ORIGINAL_EXTS, type OriginalExt, relnameOf } from "../base/variant.ts";
import { webIdOfContentId } from "../base/web-name.ts";

/** Tried in this order where the resolver gave no ext (spec §11). */
const KNOWN_EXTS: readonly OriginalExt[] = ["jpg", "png", "webp", "gif", "avif"];

export interface OriginName {
  /** Relative, of the id's own characters, single dots and slashes only: nothing outside the store. */
  readonly path: string;
  readonly ext: OriginalExt;
}

/**
 * At the relname, then flat as `{id}.{ext}`, then flat under the web id when the content id is the escape of one.
 * An ext that no original carries counts as unknown. `jpeg` and other spellings come after all of ours;
 * `upperCase` adds `{id}.JPG` and the like for flat names, which come from cameras.
 */
export function* originNames(
  id: string,
  options: { readonly ext?: string; readonly upperCase: boolean },
): Generator<OriginName> {
  const known = options.ext === undefined ? undefined : originalExtOf(options.ext);
  const tried = spelled(known === undefined ? KNOWN_EXTS : [known]);
  for (const { spelling, ext } of tried) {
    yield { path: relnameOf({ id, size: ORIG, ext: spelling }), ext };
  }
  const webId = webIdOfContentId(id);
  for (const stem of webId === undefined ? [id] : [id, webId]) {
    for (const { spelling, ext } of tried) yield { path: `${stem}.${spelling}`, ext };
    if (!options.upperCase) continue;
    for (const { spelling, ext } of tried) yield { path: `${stem}.${spelling.toUpperCase()}`, ext };
  }
}

/** Every name under which an original of the id could lie, whatever it is. */
export function allOriginNames(id: string, upperCase: boolean): OriginName[] {
  const names = ORIGINAL_EXTS.flatMap((ext) => [...originNames(id, { ext, upperCase })]);
  return [...new Map(names.map((name) => [name.path, name])).values()];
}

function spelled(exts: readonly OriginalExt[]): { spelling: string; ext: OriginalExt }[] {
  const all = exts.flatMap((ext) => spellingsOf(ext).map((spelling) => ({ ext, spelling })));
  return [
    ...all.filter(({ ext, spelling }) => spelling === ext),
    ...all.filter(({ ext, spelling }) => spelling !== ext),
  ];
}
