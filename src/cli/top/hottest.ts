/** The hottest ids of a mesh: what every server tells of those that it is asked for, put together. */

import type { HotShown } from "../../content/hot/keeper.ts";
import type { MeshDocument } from "../../http/mesh-document.ts";
import type { Look } from "../status-report.ts";
import { formatCount } from "../words.ts";

const BAR_WIDTH = 16;
const ID_WIDTH = 34;

/** By score; of what several tell, the word of the one that sees most of it, which is its owner as a rule. */
export function hottestOf(mesh: MeshDocument): readonly HotShown[] {
  const best = new Map<string, HotShown>();
  for (const { status } of mesh.levels.flatMap(({ servers }) => servers)) {
    for (const item of status?.hot.items ?? []) {
      const known = best.get(item.id);
      if (known === undefined || known.score < item.score) best.set(item.id, item);
    }
  }
  return [...best.values()].sort((a, b) => b.score - a.score);
}

export function hotLines(
  items: readonly HotShown[],
  { columns }: { readonly columns: number },
  { tint, glyphs }: Look,
): readonly string[] {
  const [first] = items;
  if (first === undefined) return [];
  const width = Math.min(ID_WIDTH, Math.max(...items.map(({ id }) => id.length)), columns);
  return [
    tint("strong", "hottest"),
    ...items.map(({ id, score, rate, owner, holders }) => {
      const shown = (id.length > width ? `${id.slice(0, width - 1)}~` : id).padEnd(width);
      const copies = holders.length > 0 ? `, copies at ${holders.join(", ")}` : "";
      return [
        `  ${shown}`,
        tint("good", glyphs.bar(score / first.score, BAR_WIDTH)),
        `${formatCount(rate)}/s`.padStart(8),
        `score ${formatCount(score)}`.padEnd(12),
        tint("quiet", `${owner}${copies}`),
      ].join(" ");
    }),
  ];
}
