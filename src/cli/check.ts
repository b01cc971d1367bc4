/** `mir check`: a topology explained, or all its mistakes at once. */

import { defineCommand } from "citty";
import { checkJson, explainTopology, formatMistakes } from "../topology/explain.ts";
import { type Output, terminal } from "./output.ts";
import { readTopologyFile } from "./topology-file.ts";

const args = {
  file: {
    type: "positional",
    valueHint: "FILE",
    description: "the topology file (TOML)",
    required: true,
  },
  json: { type: "boolean", description: "for machines: one JSON document" },
} as const;

export const checkCommand = defineCommand({
  meta: { name: "check", description: "explain a topology file, or name all its mistakes" },
  args,
  run({ args: given }) {
    process.exitCode = runCheck(given.file, given.json === true, terminal);
  },
});

/** The exit code: 0 when the file can be used. */
function runCheck(path: string, json: boolean, output: Output): number {
  const result = readTopologyFile(path);
  if (json) output.say(checkJson(result));
  if (result.kind === "mistakes") {
    if (!json) output.complain(formatMistakes(result.mistakes));
    return 1;
  }
  if (!json) output.say(explainTopology(result.topology, result.warnings));
  return 0;
}
