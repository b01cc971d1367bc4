/** `mir completions`: scripts that teach a shell the commands, their flags and what these take. */

import { defineCommand } from "citty";
import { bashScript } from "./completions/bash.ts";
import { fishScript } from "./completions/fish.ts";
import type { CommandModel } from "./completions/model.ts";
import { zshScript } from "./completions/zsh.ts";
import { terminal } from "./output.ts";
import { readTopologyFile } from "./topology-file.ts";
import { UsageError } from "./usage.ts";

const args = {
  servers: {
    type: "string",
    valueHint: "FILE",
    description: "the names of the servers in a topology, for those scripts",
  },
  shell: {
    type: "positional",
    valueHint: "SHELL",
    description: "bash, zsh or fish",
    required: false,
  },
} as const;

const SCRIPTS: Readonly<Record<string, (commands: readonly CommandModel[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `commands` has this one too. */
export function makeCompletionsCommand(commands: () => readonly CommandModel[]) {
  return defineCommand({
    meta: { name: "completions", description: "completion script of a shell: bash, zsh or fish" },
    args,
    run({ args: given }) {
      if (given.servers !== undefined) {
        for (const name of serversOf(given.servers)) terminal.say(name);
        return;
      }
      const { shell = "" } = given;
      const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
      if (script === undefined) {
        const told = shell === "" ? "say which shell" : `there is no script for ${shell}`;
        throw new UsageError(`${told}: ${Object.keys(SCRIPTS).join(", ")}`);
      }
      terminal.write(script(commands()));
    },
  });
}

/** None of a file with mistakes: a shell that completes has no place for them. */
function serversOf(file: string): readonly string[] {
  const read = readTopologyFile(file);
  if (read.kind === "mistakes") return [];
  return read.topology.levels.flatMap(({ servers }) => servers.map(({ name }) => name));
}
