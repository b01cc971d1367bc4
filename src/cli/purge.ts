/** `mir purge`: drops every variant of an id on every node, and says who had what. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { formatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { contentIdOfWebId } from "../base/web-name.ts";
import { type AdminClient, ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { inBatches, openProgress } from "./progress.ts";
import { UsageError } from "./usage.ts";

const args = {
  ...ANY_NODE_ARGS,
  block: { type: "boolean", description: "purge, and answer 451 until it is unblocked" },
  unblock: { type: "boolean", description: "lift the block; nothing is purged" },
  origin: { type: "boolean", description: "delete the original in the store too" },
  json: { type: "boolean", description: "for machines: one JSON document" },
  ids: {
    type: "positional",
    description: "one or more content ids; where no resolver API is configured, web ids too",
    required: true,
  },
} as const;

export const purgeCommand = defineCommand({
  meta: { name: "purge", description: "drop every variant of an id on every node" },
  args,
  async run({ args: given }) {
    const block = given.block === true;
    const unblock = given.unblock === true;
    const origin = given.origin === true;
    if (unblock && (block || origin)) {
      throw new UsageError("--unblock goes neither with --block nor with --origin");
    }
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    // before anything is done for the others
    const strange = given._.find((id) => contentIdOfWebId(id) === undefined);
    if (strange !== undefined) throw new UsageError(`${strange} is no id`);
    const json = given.json === true;
    const wish = { ids: [...new Set(given._)], block, unblock, origin };
    process.exitCode = report(await purgeAll(client, wish, json), wish, { json, output: terminal });
  },
});

/** Ids in one order to the node: between two of them people see how far it is. */
const BATCH_IDS = 16;

interface Wish {
  readonly ids: readonly string[];
  readonly block: boolean;
  readonly unblock: boolean;
  readonly origin: boolean;
}

async function purgeAll(client: AdminClient, wish: Wish, json: boolean): Promise<Answer> {
  using progress = openProgress(terminal, { json });
  const answers: Answer[] = [];
  let done = 0;
  for (const ids of inBatches(wish.ids, BATCH_IDS)) {
    progress.show(progressLine(done, wish.ids.length, answers));
    answers.push(parse(await client.post("/purge", { ...wish, ids })));
    done += ids.length;
  }
  return together(answers);
}

function progressLine(done: number, total: number, answers: readonly Answer[]): string {
  const { nodes } = together(answers);
  const missed = nodes.filter(({ had }) => had === undefined).map(({ server }) => server);
  const variants = nodes.flatMap(({ had = [] }) => had).reduce((sum, one) => sum + one.variants, 0);
  const notReached = missed.length > 0 ? `, NOT REACHED: ${missed.join(" ")}` : "";
  return `${done} of ${total} ids, ${variants} variants dropped on ${nodes.length} nodes${notReached}`;
}

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

function parse(answer: unknown): Answer {
  const parsed = v.safeParse(answerSchema, answer);
  if (parsed.success) return parsed.output;
  throw new Fault("internal", "the node gave an answer of another version");
}

/** Several answers as one; who could not be told of all was not reached. */
function together([first, ...others]: readonly Answer[]): Answer {
  return first === undefined ? { nodes: [] } : others.reduce(both, first);
}

function both(a: Answer, b: Answer): Answer {
  const nodes = b.nodes.map((node) => {
    const before = a.nodes.find(({ server }) => server === node.server);
    if (before === undefined) return node;
    if (before.had === undefined || node.had === undefined) {
      return { ...node, had: undefined, fault: before.fault ?? node.fault };
    }
    return { ...node, had: [...before.had, ...node.had] };
  });
  const origin = bothOrigins(a.origin, b.origin);
  return { ...a, nodes, ...(origin === undefined ? {} : { origin }) };
}

function bothOrigins(a: Answer["origin"], b: Answer["origin"]): Answer["origin"] {
  if (a === undefined || b === undefined) return a ?? b;
  const fault = a.fault ?? b.fault;
  const removed = [...a.removed, ...b.removed];
  return { ...a, removed, ...(fault === undefined ? {} : { fault }) };
}

/** 0 when every node was reached and the store has done its part. */
function report(
  answer: Answer,
  wish: Wish,
  { json, output }: { readonly json: boolean; readonly output: Output },
): number {
  const { nodes, origin } = answer;
  if (json) output.say(JSON.stringify(answer));
  else for (const line of linesOf(answer, wish)) output.say(line);
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

/** What was done to it besides, in front of what was there. */
function doneText({ block, unblock }: Wish, amount: string): string {
  if (unblock) return "unblocked";
  return block ? `blocked, ${amount}` : amount;
}

function linesOf({ nodes, origin }: Answer, wish: Wish): string[] {
  const width = Math.max(...nodes.map(({ server }) => server.length), "origin".length);
  const lines = nodes.flatMap(({ server, had, through, fault }) => {
    const name = server.padEnd(width);
    if (had === undefined) {
      return [`${name}  NOT REACHED (${fault ?? "unknown"}): it asks for what it missed`];
    }
    const by = through === undefined ? "" : `, told by ${through}`;
    return had.map((one) => `${name}  ${one.id}  ${doneText(wish, amountOf(one))}${by}`);
  });
  if (origin === undefined) return lines;
  const store = "origin".padEnd(width);
  if (origin.fault !== undefined) return [...lines, `${store}  FAILED: ${origin.fault}`];
  const removed = origin.removed.map(({ id, names }) => `${store}  ${id}  ${names} removed`);
  return [...lines, ...removed];
}
