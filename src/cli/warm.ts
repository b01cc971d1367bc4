/** `mir warm`: has servers fetch variants before anybody asks for them. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { type AdminClient, ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { inBatches, openProgress } from "./progress.ts";
import { UsageError } from "./usage.ts";

const args = {
  ...ANY_NODE_ARGS,
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
  ids: {
    type: "positional",
    description: "one or more content ids or relnames",
    required: true,
  },
} as const;

export const warmCommand = defineCommand({
  meta: { name: "warm", description: "have servers fetch and keep variants" },
  args,
  async run({ args: given }) {
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const json = given.json === true;
    const wish = {
      names: given._,
      sizes: listOf(given.size),
      formats: listOf(given.format),
      to: given.to === undefined ? [] : listOf(given.to),
    };
    process.exitCode = report(await warmAll(client, wish, json), json, terminal);
  },
});

/** Names in one order to the node: between two of them people see how far it is. */
const BATCH_NAMES = 8;

interface Wish {
  readonly names: readonly string[];
  readonly sizes: readonly string[];
  readonly formats: readonly string[];
  readonly to: readonly string[];
}

async function warmAll(client: AdminClient, wish: Wish, json: boolean): Promise<readonly Result[]> {
  using progress = openProgress(terminal, { json });
  const results: Result[] = [];
  let done = 0;
  for (const names of inBatches(wish.names, BATCH_NAMES)) {
    progress.show(`${done} of ${wish.names.length} pictures: ${tallyOf(results)}`);
    results.push(...parse(await client.post("/warm", { ...wish, names })));
    done += names.length;
  }
  return results;
}

/** `stored 12, already 3, failed 1` */
function tallyOf(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { note, fault } of results) {
    const what = fault === undefined ? note : "failed";
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const parts = [...counts].map(([what, count]) => `${what} ${count}`);
  return parts.length > 0 ? parts.join(", ") : "begun";
}

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

type Result = v.InferOutput<typeof answerSchema>["results"][number];

function parse(answer: unknown): readonly Result[] {
  const parsed = v.safeParse(answerSchema, answer);
  if (parsed.success) return parsed.output.results;
  throw new Fault("internal", "the node gave an answer of another version");
}

/** 0 when every server has every variant. */
function report(results: readonly Result[], json: boolean, output: Output): number {
  if (json) output.say(JSON.stringify({ results }));
  else for (const line of linesOf(results)) output.say(line);
  return results.every((r) => r.fault === undefined && r.note !== "no room") ? 0 : 1;
}

/** Each variant at each server, and of many what became of them at each server. */
function linesOf(results: readonly Result[]): readonly string[] {
  const servers = [...new Set(results.map(({ server }) => server))];
  const width = Math.max(0, ...servers.map((name) => name.length));
  const lines = results.map(({ server, relname, note, fault }) => {
    return `${server.padEnd(width)}  ${relname}  ${fault === undefined ? note : `FAILED: ${note}`}`;
  });
  if (results.length <= servers.length) return lines;
  const sums = servers.map((name) => {
    return `${name.padEnd(width)}  ${tallyOf(results.filter(({ server }) => server === name))}`;
  });
  return [...lines, "", ...sums];
}

function listOf(text: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.some((word) => word === "")) throw new UsageError(`an empty word in "${text}"`);
  return words;
}
