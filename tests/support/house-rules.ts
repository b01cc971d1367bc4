/** What the house rules look for; each gives a line for every place that breaks it. */

import { codeOf, importsOf, type Source, withoutComments } from "./house-files.ts";

/** A file imports its own folder and lower floors (docs/architecture.md). */
export const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  observe: 1,
  wire: 2,
  topology: 2,
  cache: 3,
  image: 3,
  origin: 3,
  resolve: 3,
  mesh: 4,
  content: 5,
  http: 6,
  node: 7,
  cli: 8,
};
/** Floor 3 is for parts that never meet each other. */
const STRANGERS: readonly string[] = ["cache", "image", "origin", "resolve"];
/** `src/main.ts` stands above all floors. */
const ROOF = 9;
const FILE_LINES_MAX = 300;

export const folderOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? "";

function floorOf(path: string): number | undefined {
  return path === "src/main.ts" ? ROOF : FLOORS[folderOf(path)];
}

/** Whether a folder may import another one. */
export function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (STRANGERS.includes(from) && STRANGERS.includes(to)) return false;
  return (FLOORS[to] ?? ROOF) <= (FLOORS[from] ?? ROOF);
}

export function floorBreaks(files: readonly Source[]): string[] {
  return files.flatMap((file) => {
    const floor = floorOf(file.path);
    if (floor === undefined) return [`${file.path}: its folder is on no floor`];
    return importsOf(file)
      .filter((to) => to.startsWith("src/") && !mayImport(folderOf(file.path), folderOf(to)))
      .map((to) => `${file.path} (floor ${floor}) imports ${to} (floor ${floorOf(to) ?? "none"})`);
  });
}

export function cycles(files: readonly Source[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const to of graph.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

export function tooLong(files: readonly Source[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > FILE_LINES_MAX ? [`${path}: ${lines} lines`] : [];
  });
}

/** Lines of code (or of the text as it stands) that match; the pattern must not be global. */
export function linesWith(pattern: RegExp, view: (text: string) => string = codeOf) {
  return (files: readonly Source[]): string[] =>
    files.flatMap(({ path, text }) => {
      const shown = text.split("\n");
      return view(text)
        .split("\n")
        .flatMap((line, i) => (pattern.test(line) ? [place(path, i, shown[i] ?? "")] : []));
    });
}

const place = (path: string, index: number, line: string): string =>
  `${path}:${index + 1}: ${line.trim()}`;

export const asItStands = (text: string): string => text;

/** A first line that is a comment of one sentence, or opens one. */
export function unnamed(files: readonly Source[]): string[] {
  return files
    .filter(({ text }) => !/^\/\*\*(?: \S.*[.;:,\w)`] ?|\n \* \S)/.test(text))
    .map(({ path, text }) => place(path, 0, text.split("\n", 1)[0] ?? ""));
}

const FOREIGN_WORDS = new Set(["master", "slave", "shard", "rendition", "thumb", "thumbnail"]);
/** The topology's own key (spec §9), and it alone. */
const ALLOWED_NAMES = new Set(["thumbnail_endpoint", "thumbnailEndpoint"]);

/** Identifiers made of a word that the house has another one for. */
export function foreignWords(files: readonly Source[]): string[] {
  // most names stand in many places
  const known = new Map<string, boolean>();
  const isForeignName = (name: string): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const foreign = !ALLOWED_NAMES.has(name) && wordsOf(name).some(isForeign);
    known.set(name, foreign);
    return foreign;
  };
  return files.flatMap(({ path, text }) =>
    codeOf(text)
      .split("\n")
      .flatMap((line, i) =>
        (line.match(/[A-Za-z_$][\w$]*/g) ?? [])
          .filter(isForeignName)
          .map((name) => `${path}:${i + 1}: ${name}`),
      ),
  );
}

const isForeign = (word: string): boolean => FOREIGN_WORDS.has(word.replace(/s$/, ""));

/** `shardCount`, `SHARD_COUNT` and `HTTPShard` all have the word shard. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z]+/);
}

/** Names that no file says, in code or in a literal; in a comment does not count. */
export function unsaid(names: readonly string[]) {
  return (files: readonly Source[]): string[] => {
    const said = new Set(files.flatMap(({ text }) => withoutComments(text).match(/\w+/g) ?? []));
    return names.filter((name) => !said.has(name));
  };
}

/** Names that a page does not show as `code`. */
export function unlisted(names: readonly string[]) {
  return (pages: readonly Source[]): string[] => {
    const shown = new Set(pages.flatMap(({ text }) => text.match(/(?<=`)[^`\n]+(?=`)/g) ?? []));
    return names.filter((name) => !shown.has(name));
  };
}

/** `catch (error) { throw new X(…) }` where what was caught is not handed on. */
export function lostCauses(files: readonly Source[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = codeOf(text);
    return [...code.matchAll(/\bcatch \((\w+)(?:: unknown)?\) \{/g)].flatMap((match) => {
      const start = match.index + match[0].length;
      const body = code.slice(start, endOfBlock(code, start));
      const name = new RegExp(`\\b${match[1]}\\b`);
      return [...body.matchAll(/\bthrow new [^;]*;/g)]
        .filter((thrown) => !name.test(thrown[0]))
        .map((thrown) => {
          const line = code.slice(0, start + thrown.index).split("\n").length;
          return `${path}:${line}: ${match[1]} is not the cause of what is thrown`;
        });
    });
  });
}

/** Where the block ends whose inside begins at `start`. */
function endOfBlock(code: string, start: number): number {
  let depth = 1;
  for (let i = start; i < code.length; i++) {
    if (code[i] === "{") depth++;
    if (code[i] === "}" && --depth === 0) return i;
  }
  return code.length;
}

/** A file that calls `fetch` and has no signal to give it. */
export function fetchesForEver({ text }: Source): boolean {
  const code = codeOf(text);
  return /(?<![\w$])fetch\(/.test(code) && !/\bsignal\b/.test(code);
}
