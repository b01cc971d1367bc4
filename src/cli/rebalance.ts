/** `mir rebalance`: has a node move what belongs to others to its owners, and shows how far it is. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { formatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type AdminClient, ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { openProgress } from "./progress.ts";

const args = {
  ...ANY_NODE_ARGS,
  status: { type: "boolean", description: "only tell how far it is; begin nothing" },
  json: { type: "boolean", description: "for machines: one JSON document, at the end" },
} as const;

/** Between two looks at the node. */
const LOOK_MS = 250;

export const rebalanceCommand = defineCommand({
  meta: { name: "rebalance", description: "move what a server holds to those that own it now" },
  args,
  async run({ args: given }) {
    const client = await findAdminClient({
      ...given,
      token: process.env["MIR_ADMIN_TOKEN"],
      thisOne: true,
    });
    const json = given.json === true;
    const begun = parse(
      begunSchema,
      await client.post("/rebalance", { start: given.status !== true }),
    );
    if (given.status === true) {
      terminal.say(json ? JSON.stringify(begun.now) : line(begun.now, undefined));
      return;
    }
    const ended = await follow(client, begun, { output: terminal, json });
    process.exitCode = report(ended, begun.before, { output: terminal, json });
  },
});

const progressSchema = v.object({
  state: v.picklist(["idle", "counting", "moving", "waiting"]),
  since: v.number(),
  settled: v.boolean(),
  moved: v.number(),
  movedBytes: v.number(),
  left: v.number(),
  leftBytes: v.number(),
  failed: v.number(),
  fault: v.optional(v.string()),
  passes: v.number(),
});
const begunSchema = v.object({ before: progressSchema, now: progressSchema });
const statusSchema = v.object({ rebalance: progressSchema });
type Progress = v.InferOutput<typeof progressSchema>;

interface Shown {
  readonly output: Output;
  readonly json: boolean;
}

/** Until the pass has ended. Every wait of the node has a deadline, so this ends as long as the node answers. */
async function follow(
  client: AdminClient,
  begun: { readonly before: Progress; readonly now: Progress },
  { output, json }: Shown,
): Promise<Progress> {
  using progress = openProgress(output, { json });
  let now = begun.now;
  while (now.state === "counting" || now.state === "moving") {
    progress.show(line(now, begun.before));
    await Bun.sleep(LOOK_MS);
    now = parse(statusSchema, await client.get("/status")).rebalance;
  }
  return now;
}

/** 0 when nothing is left that could not be moved. */
function report(ended: Progress, before: Progress, { output, json }: Shown): number {
  output.say(json ? JSON.stringify({ before, now: ended }) : line(ended, before));
  if (ended.failed === 0) return 0;
  if (!json) output.complain(`mir: ${ended.failed} could not be moved: ${ended.fault ?? ""}`);
  return 1;
}

/** Counts what was moved since `before`; all since the topology came without it. */
function line(now: Progress, before: Progress | undefined): string {
  const moved = now.moved - (before?.moved ?? 0);
  const movedBytes = now.movedBytes - (before?.movedBytes ?? 0);
  return [
    now.state.padEnd(8),
    `moved ${moved} (${formatBytes(movedBytes)})`,
    `left ${now.left} (${formatBytes(now.leftBytes)})`,
    ...(now.failed > 0 ? [`failed ${now.failed}`] : []),
    ...(before === undefined ? [`since ${new Date(now.since * 1000).toISOString()}`] : []),
  ].join("  ");
}

function parse<T>(schema: v.GenericSchema<unknown, T>, answer: unknown): T {
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  throw new Fault("internal", "the node gave an answer of another version");
}
