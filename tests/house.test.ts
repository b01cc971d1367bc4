/** The house rules: each holds in the real files, and each is shown a small file that breaks it. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../src/base/deadlines.ts";
import { FAULTS } from "../src/base/fault.ts";
import { LIMITS } from "../src/base/limits.ts";
import { COUNTER_NAMES } from "../src/observe/counters.ts";
import {
  codeOf,
  madeByTools,
  repositoryTexts,
  type Source,
  sourcesOf,
  trackedPaths,
} from "./support/house-files.ts";
import {
  asItStands,
  cycles,
  fetchesForEver,
  floorBreaks,
  folderOf,
  foreignWords,
  linesWith,
  lostCauses,
  tooLong,
  unlisted,
  unnamed,
  unsaid,
} from "./support/house-rules.ts";

interface Rule {
  readonly says: string;
  /** What whoever broke it does now. */
  readonly todo: string;
  readonly files: readonly Source[];
  readonly find: (files: readonly Source[]) => string[];
  /** Texts that break it, one finding each. */
  readonly bad: readonly string[];
  /** Texts close to those that do not. */
  readonly good?: readonly string[];
}

const src = sourcesOf("src/**/*.{ts,cjs}");
// this file is left out where it would be its own bad example
const tests = sourcesOf("tests/**/*.ts").filter(({ path }) => path !== "tests/house.test.ts");
const tools = [...sourcesOf("scripts/**/*.ts"), ...sourcesOf("bench/**/*.ts")];
const outside = (table: string): Source[] => src.filter(({ path }) => path !== table);

/** Counters that spec §11 promises to tools although nothing in this version moves them. */
const PROMISED: readonly string[] = [];

const RULES: readonly Rule[] = [
  {
    says: "every file begins with one sentence that says what it is",
    todo: "begin it with /** one sentence */; if the sentence needs an and, it is two files",
    files: [...src, ...tests, ...tools],
    find: unnamed,
    bad: ["import x", "// a table\n", "/**\n */", "\n/** A table. */"],
    good: ["/** A table. */\n", "/**\n * A table.\n */"],
  },
  {
    says: "no file over 300 lines",
    todo: "find the second thing the file is about and give it a file of its own",
    files: [...src, ...tests, ...tools],
    find: tooLong,
    bad: ["x\n".repeat(301)],
    good: ["x\n".repeat(300)],
  },
  {
    says: "nothing silences a check",
    todo: "mend what the check found; where the rule itself is wrong, say so in CONTRIBUTING.md",
    files: [...src, ...tests, ...tools],
    find: linesWith(/@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable/, asItStands),
    bad: ["// @ts-ignore", "/* @ts-expect-error */", "// biome-ignore lint: no"],
    good: ["const tsIgnore = 1"],
  },
  {
    says: "no `any`, no assertion that something is there",
    todo: "write unknown and parse it at the border; test for undefined",
    files: [...src, ...tests, ...tools],
    find: linesWith(
      /\bas unknown as\b|(?<=[\w?)\]]):\s*any\b|[<|]\s*any\b|, any>|\bas any\b|[\w)\]]!(?:[.;,)\]:[]|$)/,
    ),
    bad: ["let a: any;", "b as unknown as C", "m.get(k)!.v", "let d!: D;", "f(x!)", "Map<K, any>"],
    good: ["a !== b", "// any of them!", "!a", '"wait!"', "a ? b : any", "set(a, any)"],
  },
  {
    says: "one word for one thing",
    todo: "take the house's own word (CONTRIBUTING.md)",
    files: [...src, ...tests, ...tools],
    find: foreignWords,
    bad: ["const shardCount = 1", "interface HTTPMaster {}", "SLAVES", "renditionOf(a)", "thumb()"],
    good: ['"master"', "// shard", "x.thumbnailEndpoint", "thumbnail_endpoint", "remastered"],
  },
  {
    says: "what was caught is the cause of what is thrown",
    todo: "hand it on: new Fault(code, text, { cause: error })",
    files: src,
    find: lostCauses,
    bad: ['try { a() } catch (error) { throw new Fault("x", "y"); }'],
    good: [
      "try { a() } catch (error) { throw new Fault(b, c, { cause: error }); }",
      'try { a() } catch { throw new Fault("x", "y"); }',
    ],
  },
  {
    says: "every limit is used",
    todo: "enforce it or take it out of base/limits.ts",
    files: outside("src/base/limits.ts"),
    find: (files) => unsaid(Object.keys(LIMITS))(files),
    bad: [],
  },
  {
    says: "every deadline is used",
    todo: "enforce it or take it out of base/deadlines.ts",
    files: outside("src/base/deadlines.ts"),
    find: (files) => unsaid(Object.keys(DEADLINES))(files),
    bad: [],
  },
  {
    says: "every counter is counted somewhere",
    todo: "count it or take it out of observe/counters.ts",
    files: outside("src/observe/counters.ts"),
    find: unsaid(COUNTER_NAMES.filter((name) => !PROMISED.includes(name))),
    bad: [],
  },
  {
    says: "only cli/ writes to the terminal",
    todo: "log an event, or take the writer as a parameter",
    files: src.filter(({ path }) => folderOf(path) !== "cli"),
    find: linesWith(/process\.(stdout|stderr)\b|\bconsole\.|Bun\.(stdout|stderr)\b/),
    bad: ["process.stdout.write(x)", "console.log(x)", "Bun.write(Bun.stderr, x)"],
    good: ["// process.stdout", "child.stdout.on"],
  },
  {
    says: "whoever fetches says when to give up",
    todo: "hand fetch a signal, such as AbortSignal.timeout(DEADLINES.xMs)",
    files: src,
    find: (files) => files.filter(fetchesForEver).map(({ path }) => path),
    bad: ["await fetch(url, { method })", "options.fetch(url)"],
    good: ["fetch(url, { signal })", "fetch: handler", "prefetch(url)"],
  },
  {
    says: "what is emptied from its front is a map that moves",
    todo: "take base/turnover-map.ts: a Map may hold whatever was in it since (decision 31)",
    files: outside("src/base/turnover-map.ts"),
    find: linesWith(/\.(?:keys|values|entries)\(\)\.next\(\)/),
    bad: ["const oldest = kept.keys().next();"],
    good: ["const oldest = kept.firstKey();"],
  },
  {
    says: "tests do not sleep",
    todo: "await the condition (tests/support/until.ts)",
    files: tests.filter(({ path }) => !path.startsWith("tests/support/")),
    find: linesWith(/\bBun\.sleep|\bsetTimeout\(|\bscheduler\.wait\(/),
    bad: ["await Bun.sleep(5)", "Bun.sleepSync(5)", "new Promise((r) => setTimeout(r, 5))"],
  },
  {
    says: "tests have no fixed ports",
    todo: "listen on port 0, or ask freePort()",
    // a topology names ports and nobody listens there
    files: tests.filter(({ path }) => !path.startsWith("tests/unit/topology/")),
    find: linesWith(/\bport: *[1-9][0-9]{3,4}\b/),
    bad: ["listen({ port: 8080 })"],
    good: ["listen({ port: 0 })", "{ port: free }", "// port: 8080"],
  },
  {
    says: "no test is skipped, alone or still to be written",
    todo: "write it, mend it or delete it",
    files: tests,
    find: linesWith(/\b(test|it|describe)\.(skip|only|todo)\b/),
    bad: ["test.skip(", "describe.only(", "it.todo("],
    good: ["stream.skip(3)", "test.skipIf(rivalIsMissing)("],
  },
  {
    says: "nothing in the repository names one machine or a package registry",
    todo: "take the path from the environment or relative to the file",
    files: repositoryTexts().filter(({ path }) => path !== "tests/house.test.ts"),
    find: linesWith(
      /(?<![\w$.}/*-])\/(work|root|home\/[a-z]\w*|Users\/\w+)\/|\bregistry\.|npmjs|npmmirror|jfrog|artifactory/,
      asItStands,
    ),
    bad: ['"/work/main/x"', "cd /root/.cache", "/home/ann/mir", "https://registry.example.com/"],
    good: ["/$bunfs/root/mir", "./work/x", "registry of metrics"],
  },
];

describe.each(RULES.map((rule) => [rule.says, rule] as const))("%s", (_, rule) => {
  test("holds", () => {
    expect(rule.files.length).toBeGreaterThan(0);
    expect(advised(rule.todo, rule.find(rule.files))).toBe("");
  });
  for (const text of rule.bad) {
    test(`is broken by ${text.slice(0, 70).replaceAll("\n", "⏎")}`, () => {
      expect(rule.find([{ path: "src/base/a.ts", text }])).toHaveLength(1);
    });
  }
  test("knows what only looks like it", () => {
    const files = (rule.good ?? []).map((text) => ({ path: "src/base/a.ts", text }));
    expect(rule.bad.length > 0 ? rule.find(files) : []).toEqual([]);
  });
});

/** One text for the report of a failed test: what to do, then every place. */
function advised(todo: string, findings: readonly string[]): string {
  return findings.length === 0 ? "" : [`${todo}:`, ...findings].join("\n  ");
}

describe("the floors", () => {
  const file = (path: string, text: string): Source => ({ path, text });
  test("a file imports its own folder and lower floors only", () => {
    const todo = "move the code down, or hand the part in from above (docs/architecture.md)";
    expect(advised(todo, floorBreaks(src))).toBe("");
  });
  test.each([
    ["src/base/a.ts", 'import "../http/b.ts"'],
    ["src/base/a.ts", 'import type { B } from "../main.ts"'],
    ["src/cache/a.ts", 'import type { B } from "../image/b.ts"'],
    ["src/resolve/a.ts", 'import {\n  type B,\n} from "../origin/b.ts"'],
    ["src/wire/a.ts", 'export { b } from "../mesh/b.ts"'],
    ["src/http/a.ts", 'const b = await import("../cli/b.ts")'],
    ["src/elsewhere/a.ts", ""],
  ])("are broken by %s with %s", (path, text) => {
    expect(floorBreaks([file(path, text)])).toHaveLength(1);
  });
  test.each([
    ["src/http/a.ts", 'import "../base/b.ts"'],
    ["src/wire/a.ts", 'import type { B } from "../topology/b.ts"'],
    ["src/main.ts", 'import "./cli/b.ts"'],
    ["src/base/a.ts", '// import "../http/b.ts"'],
  ])("allow %s with %s", (path, text) => {
    expect(floorBreaks([file(path, text)])).toEqual([]);
  });
  test("no cycles, type imports counted", () => {
    const todo = "give what both need a file of its own, below them";
    expect(advised(todo, cycles([...src, ...tests, ...tools]))).toBe("");
    const a = file("src/base/a.ts", 'import "./b.ts"');
    const b = file("src/base/b.ts", 'import type { C } from "./c.ts"');
    const c = file("src/base/c.ts", 'export type { A } from "./a.ts"');
    expect(cycles([a, b, c])).toEqual([
      "src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts",
    ]);
    expect(cycles([a, b])).toEqual([]);
  });
});

describe("tables", () => {
  test("a name counts as used in code or a literal, not in a comment or inside a longer one", () => {
    const file = (text: string): Source[] => [{ path: "a.ts", text }];
    expect(unsaid(["itemsMax"])(file("LIMITS.itemsMax"))).toEqual([]);
    expect(unsaid(["lru_hit"])(file('add("lru_hit")'))).toEqual([]);
    expect(unsaid(["itemsMax"])(file("itemsMaximum // itemsMax"))).toEqual(["itemsMax"]);
  });
  test("a promised counter that is counted is promised no longer", () => {
    const idle = unsaid(PROMISED)(outside("src/observe/counters.ts"));
    expect(
      advised(
        "take it out of PROMISED",
        PROMISED.filter((name) => !idle.includes(name)),
      ),
    ).toBe("");
  });
  test.each([
    ["docs/operations.md", "counter", COUNTER_NAMES],
    ["docs/errors.md", "fault", Object.keys(FAULTS)],
  ])("%s, once there, lists every %s", (page, _, names) => {
    const pages = sourcesOf(page);
    const missing = pages.length === 0 ? [] : unlisted(names)(pages);
    expect(advised(`give it a row in ${page}, as \`code\``, missing)).toBe("");
    expect(unlisted(["a_b"])([{ path: page, text: "a_b and `a_bc`" }])).toEqual(["a_b"]);
  });
});

test("nothing that tools make is tracked, not even as a link", () => {
  const todo = "git rm --cached it: a checkout would replace the real one by it";
  expect(advised(todo, madeByTools(trackedPaths()))).toBe("");
  const paths = ["node_modules", "dist/mir", "src/distance.ts", ".gitignore"];
  expect(madeByTools(paths)).toEqual(["node_modules", "dist/mir"]);
});

test("literals and comments are told from code", () => {
  const blank = (text: string): string => codeOf(text).replaceAll(/ +/g, " ");
  expect(blank('a("x // y", b) // "c"')).toBe("a( , b) ");
  expect(blank('a.replace(/[/"]/g, b) / c / d')).toBe("a.replace( g, b) / c / d");
  expect(blank(`a(\`x $${"{b}"} // c\`); d`)).toBe("a( ); d");
  expect(codeOf("/* a\n b */ c")).toBe("    \n      c");
});
