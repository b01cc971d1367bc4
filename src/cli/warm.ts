/** `mir warm`: has servers fetch variants before anybody asks for them. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { NODE_ARGS, openAdminClient } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { UsageError } from "./usage.ts";

const args = {
  ...NODE_ARGS,
  size: {
    type: "string",
    valueHint: "SIZE",
    description: "sizes, with commas between",
    default: "md",
  },
  format: {
    type: "string",
    valueHint: "FORMAT",
    description: "formats, with commas between",
    default: "jpg",
  },
  to: {
    type: "string",
    valueHint: "SERVER",
    description: "servers of the node's level, with commas; all by default",
  },
  json: { type: "boolean", description: "for machines: one JSON document" },
  ids: { type: "positional", description: "content ids or relnames", required: true },
} as const;

export const warmCommand = defineCommand({
  meta: { name: "warm", description: "have servers fetch and keep variants" },
  args,
  async run({ args: given }) {
    const client = openAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const answer = await client.post("/warm", {
      names: given._,
      sizes: listOf(given.size),
      formats: listOf(given.format),
      to: given.to === undefined ? [] : listOf(given.to),
    });
    process.exitCode = report(answer, given.json === true, terminal);
  },
});

const answerSchema = v.object({
  results: v.array(
    v.object({
      server: v.string(),
      relname: v.string(),
      note: v.string(),
      fault: v.optional(v.string()),
    }),
  ),
});

/** 0 when every server has every variant. */
function report(answer: unknown, json: boolean, output: Output): number {
  const parsed = v.safeParse(answerSchema, answer);
  if (!parsed.success) throw new Fault("internal", "the node gave an answer of another version");
  const { results } = parsed.output;
  if (json) output.say(JSON.stringify({ results }));
  for (const { server, relname, note, fault } of json ? [] : results) {
    output.say(
      `${server.padEnd(16)} ${relname}  ${fault === undefined ? note : `FAILED: ${note}`}`,
    );
  }
  return results.every((r) => r.fault === undefined && r.note !== "no room") ? 0 : 1;
}

function listOf(text: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.some((word) => word === "")) throw new UsageError(`an empty word in "${text}"`);
  return words;
}
