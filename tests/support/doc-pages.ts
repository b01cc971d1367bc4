/** The commands that the documentation tells people to give: fenced blocks of `sh`, and code in the running text. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/setup.ts";

export interface Block {
  /** `docs/operations.md:120`. */
  readonly at: string;
  readonly page: string;
  /** What stands after the three ticks: `sh on edge-1`. */
  readonly info: string;
  /** A line that goes on in the next is one with it. */
  readonly lines: readonly string[];
}

export interface Span {
  readonly at: string;
  readonly text: string;
}

/** For people who run or build mir. Decisions and the change log tell of other times. */
export const PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { info: string; at: string; lines: string[] } | undefined;
  for (const [i, line] of textOf(page).split("\n").entries()) {
    const [, info] = /^```(.*)$/.exec(line) ?? [];
    if (info === undefined) open?.lines.push(line);
    else if (open === undefined) open = { info: info.trim(), at: `${page}:${i + 1}`, lines: [] };
    else {
      const lines = open.lines
        .join("\n")
        .replaceAll(/\\\n\s*/g, " ")
        .split("\n");
      blocks.push({ ...open, page, lines });
      open = undefined;
    }
  }
  return blocks;
}

/** Code between single ticks, outside of blocks. */
export function spansOf(page: string): readonly Span[] {
  const text = textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, (block) =>
    block.replaceAll(/./g, ""),
  );
  return text.split("\n").flatMap((line, i) =>
    [...line.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => ({
      at: `${page}:${i + 1}`,
      text: code,
    })),
  );
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}
