/** Everything: set-up, gates, build, all tests. Its last line is `N passed, N failed`. */

import { build } from "./build.ts";
import { check } from "./check.ts";
import { runTests, sentenceOf, type Totals } from "./run-tests.ts";
import { runScript, tell } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";

await runScript(async () => {
  const parts = await runAll(process.argv.slice(2));
  const sum = (key: keyof Totals): number => parts.reduce((total, part) => total + part[key], 0);
  const all = { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
  console.log(sentenceOf(all));
  return all.failed === 0 ? 0 : 1;
});

/** Each gate counts as a test. What stops the run counts as one that failed, and says so. */
async function runAll(args: readonly string[]): Promise<readonly Totals[]> {
  const parts: Totals[] = [];
  try {
    setup();
    const gates = await check();
    const passed = gates.filter((gate) => gate.passed).length;
    parts.push({ passed, failed: gates.length - passed, skipped: 0 });
    build();
    const show = (bytes: Uint8Array): boolean => process.stderr.write(bytes);
    parts.push(await runTests({ cwd: ROOT, args, show, stdout: "inherit" }));
  } catch (error) {
    tell(error);
    console.error("the tests were not run");
    parts.push({ passed: 0, failed: 1, skipped: 0 });
  }
  return parts;
}
