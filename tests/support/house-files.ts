/** The project's own files, as the house rules read them. */

import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

const ROOT = resolve(import.meta.dir, "../..");

/** What a checkout has beside the project's own files: folders, or links to them. */
const NOT_OURS = /^(node_modules|dist|coverage|\.git|\.mir-demo)(\/|$)/;
const TEXT = /\.(ts|cjs|md|json|lock|toml|yml|sh|html|css|js|svg|service|conf)$|^[^.]*$|^\.ci\//;

export function sourcesOf(pattern: string): Source[] {
  return [...new Bun.Glob(pattern).scanSync(ROOT)].sort().flatMap(read);
}

/** Every text that is tracked or about to be; where there is no git, all that is not made by a tool. */
export function repositoryTexts(): Source[] {
  const listed = gitList(["-co", "--exclude-standard"]) ?? [
    ...new Bun.Glob("**/*").scanSync({ cwd: ROOT, dot: true }),
  ];
  return listed.filter((path) => !NOT_OURS.test(path) && TEXT.test(path)).flatMap(read);
}

/** Tracked paths; none where there is no git. */
export const trackedPaths = (): string[] => gitList([]) ?? [];

/** Paths of what the tools make, which a checkout would put in the place of the real thing. */
export const madeByTools = (paths: readonly string[]): string[] =>
  paths.filter((path) => NOT_OURS.test(path));

function gitList(args: readonly string[]): string[] | undefined {
  try {
    const list = Bun.spawnSync(["git", "ls-files", ...args], { cwd: ROOT, stderr: "ignore" });
    return list.success ? list.stdout.toString().trim().split("\n") : undefined;
  } catch {
    return undefined;
  }
}

/** None when it is gone by now. */
function read(path: string): Source[] {
  try {
    return [{ path, text: readFileSync(join(ROOT, path), "utf8") }];
  } catch {
    return [];
  }
}

/**
 * Comments and literals, first come first taken, so that quotes in a comment begin nothing. A slash
 * begins a pattern only where a value may stand. Templates go whole, with the code in them.
 */
const NOT_CODE = new RegExp(
  [
    String.raw`\/\/.*`,
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`"(?:\\.|[^"\\\n])*"`,
    String.raw`'(?:\\.|[^'\\\n])*'`,
    "`(?:\\\\.|[^`\\\\])*`",
    String.raw`(?<=(?:[(,=:[!&|?{};>]|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/`,
  ].join("|"),
  "g",
);

/** The text with its comments and literals blanked; lines keep their numbers. */
export const codeOf = remembered((text) => text.replace(NOT_CODE, blanked));

/** The text with its comments blanked, literals kept. */
export const withoutComments = remembered((text) =>
  text.replace(NOT_CODE, (part) =>
    part.startsWith("//") || part.startsWith("/*") ? blanked(part) : part,
  ),
);

function blanked(part: string): string {
  return part.replace(/[^\n]/g, " ");
}

/** Each rule asks for the same files again. */
function remembered(read: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const now = read(text);
    known.set(text, now);
    return now;
  };
}

/** Paths of the project files a file imports; type imports, side effects and `require` count. */
export function importsOf({ path, text }: Source): string[] {
  const specifier = /\b(?:from|import|require)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;
  return [...withoutComments(text).matchAll(specifier)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(path), match[1] ?? "")),
  );
}
