/** The valid name somebody probably meant (spec §9). */

/** Longer names are not compared: the cost is the product of both lengths. */
const COMPARED_CHARS_MAX = 64;

/**
 * The candidate with the fewest edits from `name` (insert, delete, replace, swap of neighbours),
 * or undefined when all are further than a third of its length. Case and `-` or `_` do not count.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > COMPARED_CHARS_MAX) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = editDistance(fold(name), fold(candidate));
    if (edits >= least) continue;
    least = edits;
    best = candidate;
  }
  return best;
}

/** Damerau-Levenshtein in its "optimal string alignment" form: no part is edited twice. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const replaced = at(last, j - 1) + (same ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? at(beforeLast, j - 2) + 1
          : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}
