/** Commands that the container script runs, and how it tells what it saw. */

import { ScriptFailure } from "../script-failure.ts";

/** A build that hangs must not hold the script for ever. */
const COMMAND_MS = 300_000;

/** What a command printed. Throws ScriptFailure with its own words when it fails. */
export function run(command: readonly string[]): string {
  const [name = "", ...args] = command;
  const path = Bun.which(name);
  if (path === null) throw new ScriptFailure(`${name} is needed and not installed`);
  const { success, stdout, stderr } = Bun.spawnSync([path, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: COMMAND_MS,
  });
  if (!success) throw new ScriptFailure(`${command.join(" ")}\n${stdout}${stderr}`);
  return stdout.toString();
}

/** buildah with a storage of its own, so that nothing of it is left on the machine. */
export type Buildah = (...args: readonly string[]) => string;

export function openBuildah(folder: string): Buildah {
  const storage = ["--root", `${folder}/storage`, "--runroot", `${folder}/run`];
  return (...args) => run(["buildah", "--storage-driver", "vfs", ...storage, ...args]);
}

/** A line for each thing that was to hold. */
export class Findings {
  #failed = 0;

  add(holds: boolean, what: string, seen: string): void {
    if (!holds) this.#failed++;
    console.log(`${holds ? "holds " : "FAILED"}  ${what.padEnd(48)}  ${seen}`);
  }

  get failed(): number {
    return this.#failed;
  }
}
