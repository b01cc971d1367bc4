/** The gates: format and lint, types, the house test, unused code. Prints a line each; well under 20 s on two cores. */

import { join } from "node:path";
import { ROOT, setup } from "./setup.ts";

export interface GateResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

const BIN = join(ROOT, "node_modules", ".bin");

const GATES: Readonly<Record<string, readonly string[]>> = {
  biome: ["--bun", join(BIN, "biome"), "check", "--error-on-warnings"],
  types: ["--bun", join(BIN, "tsc")],
  house: ["test", "tests/house.test.ts"],
  unused: ["--bun", join(BIN, "knip")],
};

/** Runs all gates side by side; what a failed one said goes to standard error. */
export async function check(): Promise<GateResult[]> {
  return Promise.all(Object.entries(GATES).map(([name, args]) => runGate(name, args)));
}

async function runGate(name: string, args: readonly string[]): Promise<GateResult> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, BUN_BE_BUN: "1", FORCE_COLOR: "0" },
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) console.error(`${out}${err}`);
  console.log(`${code === 0 ? "passed" : "FAILED"}  ${name.padEnd(7)} ${seconds.toFixed(1)} s`);
  return { name, passed: code === 0, seconds };
}

if (import.meta.main) {
  setup();
  const results = await check();
  process.exit(results.every((r) => r.passed) ? 0 : 1);
}
