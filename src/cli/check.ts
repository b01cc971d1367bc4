/** `mir check`: a topology explained, or all its mistakes at once. */

import { type Stats, statSync } from "node:fs";
import { defineCommand } from "citty";
import { errnoOf } from "../base/errno.ts";
import { asFault } from "../base/fault.ts";
import { certificateTrouble } from "../node/credentials.ts";
import { fileSystemBytes } from "../node/disk-size.ts";
import { checkJson, explainTopology, formatMistakes } from "../topology/explain.ts";
import type { ReadResult } from "../topology/read.ts";
import { type Output, terminal } from "./output.ts";
import { readTopologyFile } from "./topology-file.ts";
import { UsageError } from "./usage.ts";

const args = {
  files: {
    type: "positional",
    valueHint: "FILE",
    description: "one or more topology files (TOML); else $MIR_TOPOLOGY",
    required: false,
  },
  json: { type: "boolean", description: "for machines: one JSON document a file" },
} as const;

export const checkCommand = defineCommand({
  meta: { name: "check", description: "explain a topology file, or name all its mistakes" },
  args,
  run({ args: given }) {
    const fromEnv = process.env["MIR_TOPOLOGY"] || undefined;
    const files = given._.length > 0 || fromEnv === undefined ? given._ : [fromEnv];
    if (files.length === 0) throw new UsageError("say which file: mir check FILE");
    const json = given.json === true;
    const codes = files.map((file) => {
      if (files.length > 1 && !json) terminal.say(`${file}:`);
      return runCheck(file, json, terminal);
    });
    process.exitCode = Math.max(...codes);
  },
});

/** What only warnings are about: other commands, which show none, need not look. */
const HERE = {
  isFolder: (path: string) => statOf(path)?.isDirectory() === true,
  isFile: (path: string) => statOf(path)?.isFile() === true,
  certificateTrouble,
  diskBytes: fileSystemBytes,
};

/** undefined whatever the reason is that we cannot look at it. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** One file that is not there is a mistake like others: those beside it are explained all the same. */
function look(path: string): ReadResult {
  try {
    return readTopologyFile(path, HERE);
  } catch (error) {
    const { cause, message } = asFault(error);
    const found = `none that can be read (${errnoOf(cause) ?? message})`;
    const place = { file: path, line: 1, column: undefined, key: "", nearest: undefined };
    return { kind: "mistakes", mistakes: [{ ...place, found, expected: "a topology file" }] };
  }
}

/** The exit code: 0 when the file can be used. */
function runCheck(path: string, json: boolean, output: Output): number {
  const result = look(path);
  if (json) output.say(checkJson(path, result));
  if (result.kind === "mistakes") {
    if (!json) output.complain(formatMistakes(result.mistakes));
    return 1;
  }
  if (!json) output.say(explainTopology(result.topology, result.warnings));
  return 0;
}
