/** The linter is what holds part of the house rules: each is shown to it broken, with the real `biome.json`. */

import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { FLOORS, mayImport } from "./support/house-rules.ts";

const ROOT = resolve(import.meta.dir, "..");
const LONG_BODY = "  use(1);\n".repeat(71);

/** One file for each rule, named by what it breaks. */
const BROKEN: Readonly<Record<string, readonly [path: string, text: string]>> = {
  noExplicitAny: ["src/base/any.ts", "export function f(a: any) {\n  return a;\n}\n"],
  noNonNullAssertion: ["src/base/there.ts", "export const b = new Map([[1, 2]]).get(1)!;\n"],
  noExcessiveLinesPerFunction: [
    "src/base/long.ts",
    `export function f(use: (n: number) => void) {\n${LONG_BODY}}\n`,
  ],
  noExcessiveLinesPerFile: ["src/base/longer.ts", "use(1);\n".repeat(301)],
  noDefaultExport: ["src/base/unnamed.ts", "export default 1;\n"],
  noBarrelFile: ["src/base/barrel.ts", 'export { LEAF } from "./leaf.ts";\n'],
  noReExportAll: ["src/base/all.ts", 'export * from "./leaf.ts";\n'],
  noImportCycles: ["src/base/egg.ts", 'import type { H } from "./hen.ts";\nexport type E = H[];\n'],
  noFloatingPromises: ["src/base/adrift.ts", "async function f() {}\nf();\n"],
  noMisusedPromises: ["src/base/unawaited.ts", "async function f() {}\nif (f()) throw 1;\n"],
  useExhaustiveSwitchCases: [
    "src/base/one-case.ts",
    'export function f(a: "b" | "c") {\n  switch (a) {\n    case "b":\n      return 1;\n  }\n}\n',
  ],
  useFilenamingConvention: ["src/base/camelCase.ts", "export const a = 1;\n"],
  noConsole: ["src/base/talks.ts", "console.log(1);\n"],
  noNestedTernary: [
    "src/base/nested.ts",
    "export const f = (a: boolean) => (a ? 1 : a ? 2 : 3);\n",
  ],
  noEnum: ["src/base/enum.ts", "export enum A {\n  B = 1,\n}\n"],
  noNamespace: ["src/base/space.ts", "export namespace A {\n  export const b = 1;\n}\n"],
  noParameterProperties: [
    "src/base/parameter.ts",
    "export class A {\n  constructor(readonly b: number) {}\n}\n",
  ],
  useImportType: ["src/base/type.ts", 'import { H } from "./hen.ts";\nexport type T = H;\n'],
  noFocusedTests: ["tests/focused.test.ts", 'test.only("a", () => {});\n'],
  noSkippedTests: ["tests/skipped.test.ts", 'test.skip("a", () => {});\n'],
};

test("the linter sees every rule broken, and on every floor what may not be imported", () => {
  const files: (readonly [path: string, text: string])[] = [
    ...Object.values(BROKEN),
    ["src/base/leaf.ts", "export const LEAF = 1;\n"],
    ["src/base/hen.ts", 'import type { E } from "./egg.ts";\nexport type H = E | 1;\n'],
    ...floorFiles(),
  ];
  const found = lint(files);
  expect(Object.keys(BROKEN).filter((rule) => !found.has(`${rule} ${BROKEN[rule]?.[0]}`))).toEqual(
    [],
  );
  const climbs = floorFiles().map(([path]) => path);
  const seen = climbs.filter((path) => found.has(`noRestrictedImports ${path}`));
  const forbidden = climbs.filter((path) => !mayImport(folder(path), basename(path, ".ts")));
  expect(seen).toEqual(forbidden);
  expect(forbidden.length).toBeGreaterThan(60);
});

/** `src/wire/mesh.ts` imports a type from `mesh/`, and so on, each folder from each other one. */
function floorFiles(): (readonly [path: string, text: string])[] {
  const names = Object.keys(FLOORS);
  return names.flatMap((from) =>
    names
      .filter((to) => to !== from)
      .map((to) => {
        const text = `import type { LEAF } from "../${to}/leaf.ts";\n\nexport type A = typeof LEAF;\n`;
        return [`src/${from}/${to}.ts`, text] as const;
      }),
  );
}

const folder = (path: string): string => basename(dirname(path));

/** `rule path` of everything the linter said. */
function lint(files: readonly (readonly [path: string, text: string])[]): ReadonlySet<string> {
  const dir = mkdtempSync(join(tmpdir(), "mir-lint-"));
  try {
    copyFileSync(join(ROOT, "biome.json"), join(dir, "biome.json"));
    for (const [path, text] of files) {
      mkdirSync(join(dir, dirname(path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    const biome = join(ROOT, "node_modules", ".bin", "biome");
    const args = ["lint", "--reporter=json", "--max-diagnostics=none"];
    const run = Bun.spawnSync([process.execPath, "--bun", biome, ...args], { cwd: dir });
    return namesOf(JSON.parse(run.stdout.toString()), dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly severity: string;
    readonly location: { readonly path: string };
  }[];
}

function namesOf(report: Report, dir: string): ReadonlySet<string> {
  return new Set(
    report.diagnostics
      .filter(({ severity }) => severity === "error" || severity === "warning")
      .map(({ category, location }) => {
        const path = location.path.startsWith("/") ? relative(dir, location.path) : location.path;
        return `${basename(category)} ${path}`;
      }),
  );
}
