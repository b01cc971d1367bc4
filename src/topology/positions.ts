/** Maps dotted keys of a TOML text to lines and columns. */

import { dottedKey, type Path } from "./mistakes.ts";
import { scanToml } from "./toml-scan.ts";

/** 1-based; columns in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Positions {
  /** For a table its header. What is not in the text has the place of what should hold it. */
  key(path: Path): Place;
  /** The same for the value. */
  value(path: Path): Place;
  /** Lines in the text, at least 1. */
  readonly lines: number;
}

/** Never throws; for a text that is not TOML the places are guesses within the text. */
export function indexPositions(text: string): Positions {
  const keys = new Map<string, number>();
  const values = new Map<string, number>();
  const tableCounts = new Map<string, number>();
  scanToml(text, {
    header: (names, list, offset) => {
      const path = openTable(names, list, tableCounts, (implied) => {
        if (!keys.has(implied)) keys.set(implied, offset);
      });
      keys.set(dottedKey(path), offset);
      return path;
    },
    key: (path, offset) => {
      const name = dottedKey(path);
      if (!keys.has(name)) keys.set(name, offset);
    },
    value: (path, offset) => values.set(dottedKey(path), offset),
  });
  const starts = lineStarts(text);
  const find = (path: Path, maps: readonly Map<string, number>[]): Place => {
    for (let length = path.length; length > 0; length--) {
      const name = dottedKey(path.slice(0, length));
      const offset = maps.map((map) => map.get(name)).find((found) => found !== undefined);
      if (offset !== undefined) return placeOf(starts, offset);
    }
    return { line: 1, column: 1 };
  };
  return {
    key: (path) => find(path, [keys, values]),
    value: (path) => find(path, [values, keys]),
    lines: starts.length,
  };
}

/** The path a header names: each list of tables on the way stands for its last table. */
function openTable(
  names: readonly string[],
  list: boolean,
  counts: Map<string, number>,
  implied: (name: string) => void,
): Path {
  const path: (string | number)[] = [];
  names.forEach((name, i) => {
    path.push(name);
    const dotted = dottedKey(path);
    implied(dotted);
    const last = i === names.length - 1;
    const count = (counts.get(dotted) ?? 0) + (last && list ? 1 : 0);
    if (count === 0) return;
    counts.set(dotted, count);
    path.push(count - 1);
  });
  return path;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(starts: readonly number[], offset: number): Place {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
