/** The last line of a test run: true numbers, whatever goes wrong. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTests, sentenceOf, totalsOf } from "../../../scripts/run-tests.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mir-run-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs files of these texts, each after an import of `test`, in a process of their own. */
async function totalsFor(texts: readonly string[], args: readonly string[] = []): Promise<string> {
  mkdirSync(join(dir, "tests"), { recursive: true });
  texts.forEach((text, i) => {
    writeFileSync(
      join(dir, "tests", `${i}.test.ts`),
      `import { test } from "bun:test";\n${text}\n`,
    );
  });
  return sentenceOf(await runTests({ cwd: dir, args, show: () => {}, stdout: "ignore" }));
}

describe("a run", () => {
  test("counts what passed, failed and was skipped", async () => {
    const text = `test("a", () => {}); test("b", () => { throw 1 }); test.skip("c", () => {});`;
    expect(await totalsFor([text])).toBe("1 passed, 1 failed, 1 skipped");
  });
  test("counts a file that does not load beside one that fails", async () => {
    const texts = ['import "./nowhere.ts"', 'test("b", () => { throw 1 })', 'test("c", () => {})'];
    expect(await totalsFor(texts)).toBe("1 passed, 2 failed");
  });
  test("that dies before its summary is a failure", async () => {
    expect(await totalsFor(['test("a", () => process.kill(process.pid, "SIGKILL"))'])).toBe(
      "0 passed, 1 failed",
    );
  });
  test("that a test ends with a good exit code is a failure all the same", async () => {
    expect(await totalsFor(['test("a", () => process.exit(0))'])).toBe("0 passed, 1 failed");
  });
  test("that finds no test is a failure", async () => {
    expect(await totalsFor(['test("a", () => {})'], ["elsewhere"])).toBe("0 passed, 1 failed");
  });
  test("takes the filters it is given", async () => {
    const texts = ['test("a", () => {})', 'test("b", () => { throw 1 })'];
    expect(await totalsFor(texts, ["tests/0"])).toBe("1 passed, 0 failed");
  });
});

describe("a summary", () => {
  const summary =
    " 3 pass\n 1 skip\n 2 todo\n 0 fail\n 9 expect() calls\nRan 6 tests across 2 files. [5ms]\n";

  test("is the last one, not one that a test has printed", () => {
    expect(totalsOf(` 9 pass\n 9 fail\nRan 18 tests across 1 file.\n${summary}`, 0)).toEqual({
      passed: 3,
      failed: 0,
      skipped: 3,
    });
  });
  test("with a bad exit code has at least one failure", () => {
    expect(totalsOf(summary, 1)).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });
  test("that never came leaves nothing passed", () => {
    expect(totalsOf("(pass) a\n", 139)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(totalsOf("(pass) a\n", 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
