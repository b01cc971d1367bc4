/** The gates: format and lint, types, the house rules, unused code; a line each, seconds in all. */

import { join } from "node:path";
import { runScript } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";

export interface GateResult {
  readonly name: string;
  readonly passed: boolean;
}

const BIN = join(ROOT, "node_modules", ".bin");

/** A gate that hangs is a gate that failed. */
const GATE_MS = 120_000;

/** `--bun`: the tools' launchers ask for node, which may not be there. */
const GATES: Readonly<Record<string, readonly string[]>> = {
  lint: ["--bun", join(BIN, "biome"), "check", "--error-on-warnings"],
  types: ["--bun", join(BIN, "tsc")],
  page: ["--bun", join(BIN, "tsc"), "--project", "src/http/dashboard"],
  // a busy machine may take its time: what hangs is the gate's own affair
  house: ["test", `--timeout=${GATE_MS}`, "tests/house"],
  unused: ["--bun", join(BIN, "knip")],
};

/** Runs all gates side by side; what a failed one said goes to standard error. */
export async function check(): Promise<readonly GateResult[]> {
  const start = performance.now();
  const results = await Promise.all(
    Object.entries(GATES).map(([name, args]) => runGate(name, args)),
  );
  console.log(`${results.filter((gate) => gate.passed).length} of ${results.length} gates passed`);
  console.log(`        total   ${seconds(start)}`);
  return results;
}

async function runGate(name: string, args: readonly string[]): Promise<GateResult> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FORCE_COLOR: "0" },
    timeout: GATE_MS,
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const passed = code === 0;
  if (!passed) console.error(`${out}${err}`);
  console.log(`${passed ? "passed" : "FAILED"}  ${name.padEnd(7)} ${seconds(start)}`);
  return { name, passed };
}

const seconds = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;

if (import.meta.main) {
  await runScript(async () => {
    setup();
    const results = await check();
    return results.every((gate) => gate.passed) ? 0 : 1;
  });
}
