/** The house rules that a linter cannot see, read off the real files. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { DEADLINES } from "../src/base/deadlines.ts";
import { LIMITS } from "../src/base/limits.ts";
import { COUNTER_NAMES } from "../src/observe/counters.ts";

const ROOT = resolve(import.meta.dir, "..");
const FLOORS: Readonly<Record<string, number>> = {
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
const STRANGERS = new Set(["cache", "image", "origin", "resolve"]);
const FILE_LINES_MAX = 300;

interface Source {
  readonly path: string;
  readonly text: string;
}

function sources(pattern: string): Source[] {
  return [...new Bun.Glob(pattern).scanSync(ROOT)]
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** Tracked files and those about to be. */
function tracked(): Source[] {
  const list = Bun.spawnSync(["git", "ls-files", "-co", "--exclude-standard"], { cwd: ROOT });
  return list.stdout
    .toString()
    .split("\n")
    .filter((path) => /\.(ts|md|json|toml|cjs|sh|yml)$|^\.ci\/run$/.test(path))
    .flatMap((path) => {
      try {
        return [{ path, text: readFileSync(join(ROOT, path), "utf8") }];
      } catch {
        return [];
      }
    });
}

/** Paths of project files a file imports, type imports counted. */
function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(path), match[1] ?? "")),
  );
}

const folderOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? "";

function floorBreaks(files: readonly Source[]): string[] {
  return files.flatMap((file) => {
    const folder = folderOf(file.path);
    const floor = FLOORS[folder] ?? (file.path.startsWith("src/main") ? 99 : -1);
    if (floor < 0) return [`${file.path}: its folder is on no floor`];
    return importsOf(file)
      .filter((to) => to.startsWith("src/"))
      .filter((to) => {
        const target = folderOf(to);
        if (target === folder) return false;
        const isStranger = STRANGERS.has(folder) && STRANGERS.has(target);
        return isStranger || (FLOORS[target] ?? 99) > floor;
      })
      .map((to) => `${file.path} (floor ${floor}) imports ${to}`);
  });
}

function cycles(files: readonly Source[]): string[] {
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

function matches(files: readonly Source[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

const tooLong = (files: readonly Source[]): string[] =>
  files
    .filter(({ text }) => text.split("\n").length - 1 > FILE_LINES_MAX)
    .map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`);

const undocumented = (files: readonly Source[]): string[] =>
  files.filter(({ text }) => !/^\/\*\*(?: \S|\n \* \S)/.test(text)).map(({ path }) => path);

const unused = (names: readonly string[], files: readonly Source[], table: string): string[] =>
  names.filter((name) => {
    const use = new RegExp(`\\b${name}\\b`);
    return !files.some(({ path, text }) => path !== table && use.test(text));
  });

/** `any` itself is the linter's; this is for what would silence it. */
const ESCAPES = /@ts-(ignore|expect-error|nocheck)|biome-ignore/;
/** Counters that spec §11 promises to tools although nothing in this version moves them. */
const PROMISED = ["stand_in", "corrupt"];
const WORDS = /\b(master|slave|shard|rendition)\b/i;
const SLEEPS = /Bun\.sleep|setTimeout\(|\.(skip|only|todo)\(|\bport: *[1-9][0-9]{3,4}\b/;
const TERMINAL = /process\.(stdout|stderr)|console\./;
const PLACES = new RegExp(["/wo" + "rk/", "/ro" + "ot/", "regis" + "try\\.npmjs"].join("|"));

const src = sources("src/**/*.ts");
const tests = sources("tests/**/*.ts").filter(({ path }) => path !== "tests/house.test.ts");

describe("house", () => {
  test("a file imports its own folder and lower floors only", () => {
    expect(floorBreaks(src)).toEqual([]);
  });
  test("no cycles, type imports counted", () => {
    expect(cycles(src)).toEqual([]);
  });
  test("no file over 300 lines", () => {
    expect(tooLong([...src, ...tests])).toEqual([]);
  });
  test("every file begins with one sentence that says what it is", () => {
    expect(undocumented([...src, ...sources("scripts/*.ts")])).toEqual([]);
  });
  test("no silenced checks", () => {
    expect(matches([...src, ...tests], ESCAPES)).toEqual([]);
  });
  test("only the words of the house", () => {
    expect(matches(src, WORDS)).toEqual([]);
  });
  test("every limit and deadline is used", () => {
    expect(unused(Object.keys(LIMITS), src, "src/base/limits.ts")).toEqual([]);
    expect(unused(Object.keys(DEADLINES), src, "src/base/deadlines.ts")).toEqual([]);
  });
  test("every counter is counted somewhere", () => {
    const idle = unused(COUNTER_NAMES, src, "src/observe/counters.ts");
    expect(idle.filter((name) => !PROMISED.includes(name))).toEqual([]);
  });
  test("tests do not sleep, have no fixed ports, and none is skipped or focused", () => {
    // topology tests read files that name ports; nothing listens there
    const free = ["tests/support/", "tests/unit/topology/"];
    const strict = tests.filter(({ path }) => !free.some((folder) => path.startsWith(folder)));
    expect(matches(strict, SLEEPS)).toEqual([]);
  });
  test("only cli/ writes to the terminal", () => {
    const others = src.filter(({ path }) => folderOf(path) !== "cli");
    expect(matches(others, TERMINAL)).toEqual([]);
  });
  test("no path of one machine and no registry address in the repository", () => {
    expect(
      matches(
        tracked().filter(({ path }) => path !== "bun.lock"),
        PLACES,
      ),
    ).toEqual([]);
  });
  test("the linter holds the limits on functions, files, any and floors", () => {
    const config = readFileSync(join(ROOT, "biome.json"), "utf8");
    for (const rule of [
      "noExcessiveLinesPerFunction",
      "noExcessiveLinesPerFile",
      "noExplicitAny",
      "noNonNullAssertion",
      "noImportCycles",
      "noRestrictedImports",
      "noFloatingPromises",
    ]) {
      expect(config).toContain(rule);
    }
  });
});

describe("the rules can fail", () => {
  const file = (path: string, text: string): Source => ({ path, text });
  test("a floor that is climbed, strangers that meet, a cycle", () => {
    expect(floorBreaks([file("src/base/a.ts", 'import "../http/b.ts"')])).toHaveLength(1);
    expect(
      floorBreaks([file("src/cache/a.ts", 'import type { B } from "../image/b.ts"')]),
    ).toHaveLength(1);
    expect(floorBreaks([file("src/http/a.ts", 'import "../base/b.ts"')])).toHaveLength(0);
    const a = file("src/base/a.ts", 'import "./b.ts"');
    const b = file("src/base/b.ts", 'import type { A } from "./a.ts"');
    expect(cycles([a, b])).toHaveLength(1);
  });
  test("a long file, one without its sentence, a name nobody uses", () => {
    expect(tooLong([file("a.ts", "x\n".repeat(301))])).toHaveLength(1);
    expect(undocumented([file("a.ts", "import x\n")])).toHaveLength(1);
    expect(unused(["itemsMax"], [file("a.ts", "itemsMaximum")], "t.ts")).toEqual(["itemsMax"]);
  });
  test("escapes, words, sleeps, terminals, places", () => {
    expect(matches([file("a", "// @ts-ignore")], ESCAPES)).toHaveLength(1);
    expect(matches([file("a", "the master node")], WORDS)).toHaveLength(1);
    expect(matches([file("a", "await Bun.sleep(5)")], SLEEPS)).toHaveLength(1);
    expect(matches([file("a", "listen({ port: 8080 })")], SLEEPS)).toHaveLength(1);
    expect(matches([file("a", "process.stdout.write(x)")], TERMINAL)).toHaveLength(1);
    expect(matches([file("a", `"/wo${"rk"}/x"`)], PLACES)).toHaveLength(1);
  });
});
