/** Everything: set-up, gates, build, all tests. Its last line is `N passed, N failed`. */

import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.ts";
import { check } from "./check.ts";
import { ROOT, setup } from "./setup.ts";

interface Totals {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
}

setup();
const gates = await check();
await build();
const totals = await runTests(process.argv.slice(2));
const gatesFailed = gates.filter((gate) => !gate.passed).length;
const failed = totals.failures + gatesFailed;
const passed = totals.tests - totals.failures - totals.skipped + gates.length - gatesFailed;
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`${passed} passed, ${failed} failed${skipped}`);
process.exit(failed === 0 ? 0 : 1);

/** The numbers are the test runner's own, from its report; a run that dies counts as a failure. */
async function runTests(args: readonly string[]): Promise<Totals> {
  const report = join(tmpdir(), `mir-tests-${process.pid}.xml`);
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--timeout=30000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...args,
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, BUN_BE_BUN: "1" },
    },
  );
  const code = await child.exited;
  const totals = readTotals(report);
  rmSync(report, { force: true });
  if (code !== 0 && totals.failures === 0)
    return { ...totals, tests: totals.tests + 1, failures: 1 };
  return totals;
}

function readTotals(report: string): Totals {
  const suites = /<testsuites [^>]*>/.exec(readOrEmpty(report))?.[0] ?? "";
  const number = (name: string): number =>
    Number(new RegExp(` ${name}="([0-9]+)"`).exec(suites)?.[1] ?? 0);
  return { tests: number("tests"), failures: number("failures"), skipped: number("skipped") };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
