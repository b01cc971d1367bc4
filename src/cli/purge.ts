/** `mir purge`: drops every variant of an id on every node, and says who had what. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { formatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { NODE_ARGS, openAdminClient } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { refuseUnknownFlags, UsageError } from "./usage.ts";

const args = {
  ...NODE_ARGS,
  block: { type: "boolean", description: "purge, and answer 451 until it is unblocked" },
  unblock: { type: "boolean", description: "lift the block; nothing is purged" },
  origin: { type: "boolean", description: "delete the original in the store too" },
  json: { type: "boolean", description: "for machines: one JSON document" },
  ids: {
    type: "positional",
    description: "content ids; where no resolver API is configured, web ids too",
    required: true,
  },
} as const;

export const purgeCommand = defineCommand({
  meta: { name: "purge", description: "drop every variant of an id on every node" },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknownFlags(rawArgs, args);
    const block = given.block === true;
    const unblock = given.unblock === true;
    const origin = given.origin === true;
    if (unblock && (block || origin)) {
      throw new UsageError("--unblock goes neither with --block nor with --origin");
    }
    const client = openAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const answer = await client.post("/purge", { ids: given._, block, unblock, origin });
    process.exitCode = report(answer, given.json === true, terminal);
  },
});

const answerSchema = v.looseObject({
  nodes: v.array(
    v.looseObject({
      server: v.string(),
      had: v.optional(
        v.array(
          v.object({
            id: v.string(),
            variants: v.number(),
            bytes: v.number(),
            uploads: v.exactOptional(v.number()),
          }),
        ),
      ),
      through: v.optional(v.string()),
      fault: v.optional(v.string()),
    }),
  ),
  origin: v.optional(
    v.looseObject({
      server: v.optional(v.string()),
      removed: v.array(v.object({ id: v.string(), names: v.number() })),
      fault: v.optional(v.string()),
    }),
  ),
});

type Answer = v.InferOutput<typeof answerSchema>;

/** 0 when every node was reached and the store has done its part. */
function report(answer: unknown, json: boolean, output: Output): number {
  const parsed = v.safeParse(answerSchema, answer);
  if (!parsed.success) throw new Fault("internal", "the node gave an answer of another version");
  const { nodes, origin } = parsed.output;
  if (json) output.say(JSON.stringify(answer));
  else for (const line of linesOf(parsed.output)) output.say(line);
  const failed = nodes.some(({ had }) => had === undefined) || origin?.fault !== undefined;
  return failed ? 1 : 0;
}

function amountOf(had: {
  readonly variants: number;
  readonly bytes: number;
  readonly uploads?: number;
}): string {
  const { variants, bytes, uploads = 0 } = had;
  const amount = `${variants} ${variants === 1 ? "variant" : "variants"}, ${formatBytes(bytes)}`;
  return uploads === 0 ? amount : `${amount}, an upload on its way to the store`;
}

function linesOf({ nodes, origin }: Answer): string[] {
  const width = Math.max(...nodes.map(({ server }) => server.length), "origin".length);
  const lines = nodes.flatMap(({ server, had, through, fault }) => {
    const name = server.padEnd(width);
    if (had === undefined) {
      return [`${name}  NOT REACHED (${fault ?? "unknown"}): it asks for what it missed`];
    }
    const by = through === undefined ? "" : `, told by ${through}`;
    return had.map((one) => `${name}  ${one.id}  ${amountOf(one)}${by}`);
  });
  if (origin === undefined) return lines;
  const store = "origin".padEnd(width);
  if (origin.fault !== undefined) return [...lines, `${store}  FAILED: ${origin.fault}`];
  const removed = origin.removed.map(({ id, names }) => `${store}  ${id}  ${names} removed`);
  return [...lines, ...removed];
}
