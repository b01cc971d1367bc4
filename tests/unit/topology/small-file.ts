/** A small topology file with known line numbers, for tests that break one line of it. */

import { type ReadResult, readTopology } from "../../../src/topology/read.ts";

const LINES = [
  "[meta]", // 1
  'name = "m"', // 2
  "[[levels]]", // 3
  "[[levels.servers]]", // 4
  'name = "a"', // 5
  'cache_dir = "a"', // 6
  "[[levels.servers.public]]", // 7
  'type = "net"', // 8
  'host = "127.0.0.1"', // 9
  "port = 8080", // 10
  "[[levels.servers.private]]", // 11
  'host = "127.0.0.1"', // 12
  "port = 7001", // 13
  "[[levels.servers]]", // 14
  'name = "b"', // 15
  'cache_dir = "b"', // 16
  "[[levels.servers.private]]", // 17
  'host = "127.0.0.1"', // 18
  "port = 7002", // 19
  "[[levels]]", // 20
  "[[levels.servers]]", // 21
  'name = "o"', // 22
  'origin_dir = "o"', // 23
] as const;

/** The file with some lines replaced (by number) and more lines behind it, which begin at 24. */
export function smallFile(edits: Readonly<Record<number, string>> = {}, ...more: string[]): string {
  return [...LINES.map((line, i) => edits[i + 1] ?? line), ...more].join("\n");
}

export function read(text: string): ReadResult {
  return readTopology(text, { file: "mesh.toml", baseDir: "/base" });
}

/** Line, column, key, found, expected, nearest. */
export type Row = readonly [number, number, string, string, string, string?];

/** The mistakes of a text as rows; none for a good one. */
export function mistakesOf(text: string): readonly Row[] {
  const result = read(text);
  const mistakes = result.kind === "mistakes" ? result.mistakes : [];
  return mistakes.map(({ line, column, key, found, expected, nearest }) => {
    const row = [line, column ?? 0, key, found, expected] as const;
    return nearest === undefined ? row : [...row, nearest];
  });
}
