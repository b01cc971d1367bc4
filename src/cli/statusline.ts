/** `mir statusline`: one line about one node, for tmux, a prompt or a toolbar. */

import { defineCommand } from "citty";
import * as v from "valibot";
import { type AdminClient, ANY_NODE_ARGS, findAdminClient, meantNode } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { downLine, type LineStatus, statusLine } from "./statusline-text.ts";
import { ansiTint, plainTint, type Tint, tmuxTint } from "./tint.ts";
import { UsageError } from "./usage.ts";

const args = {
  ...ANY_NODE_ARGS,
  width: {
    type: "string",
    valueHint: "COLUMNS",
    description: "columns; as wide as the terminal, or 80",
  },
  tmux: { type: "boolean", description: "colours as tmux writes them: #[fg=green]" },
  watch: { type: "boolean", description: "again each second, until it is stopped" },
} as const;

/** A prompt waits for no node longer than this. */
const ANSWER_MS = 1_000;
const WATCH_MS = 1_000;
const WIDTH_DEFAULT = 80;
const WIDTH_MAX = 1_000;

export const statuslineCommand = defineCommand({
  meta: {
    name: "statusline",
    description: "one line about a node, for tmux, a prompt or a toolbar",
  },
  args,
  async run({ args: given }) {
    const tint = tintOf(given.tmux === true, terminal);
    const width = widthOf(given.width, terminal);
    const name = given.admin ?? meantNode(given).server ?? "";
    const line = async (): Promise<{ readonly text: string; readonly isUp: boolean }> => {
      try {
        // opened anew: the topology may have been mended meanwhile
        const client = await findAdminClient({
          ...given,
          token: process.env["MIR_ADMIN_TOKEN"],
          answerMs: ANSWER_MS,
        });
        return { text: statusLine(await statusOf(client), { width: width(), tint }), isUp: true };
      } catch (error) {
        if (error instanceof UsageError) throw error;
        return { text: downLine(name, tint), isUp: false };
      }
    };
    if (given.watch === true) await watch(async () => (await line()).text, terminal);
    else {
      const { text, isUp } = await line();
      terminal.say(text);
      process.exitCode = isUp ? 0 : 1;
    }
  },
});

const statusSchema = v.object({
  server: v.string(),
  level: v.number(),
  uptimeSeconds: v.number(),
  cache: v.object({ bytes: v.number(), capacityBytes: v.number() }),
  rates: v.object({
    requests: v.number(),
    peerRequests: v.number(),
    hitRatio: v.nullable(v.number()),
    bytesIn: v.number(),
    bytesOut: v.number(),
  }),
});

/** Throws for an answer of another version, too: a line that guesses is worse than none. */
async function statusOf(client: AdminClient): Promise<LineStatus> {
  return v.parse(statusSchema, await client.get("/status"));
}

function tintOf(tmux: boolean, { colour }: Output): Tint {
  if (tmux) return process.env["NO_COLOR"] ? plainTint : tmuxTint;
  return colour ? ansiTint : plainTint;
}

/** Read anew each time: a terminal may be resized. */
function widthOf(given: string | undefined, output: Output): () => number {
  if (given === undefined) {
    const fromEnv = Number(process.env["COLUMNS"]);
    return () => output.columns() ?? (fromEnv > 0 ? fromEnv : WIDTH_DEFAULT);
  }
  const width = Number(given);
  if (!Number.isInteger(width) || width < 1 || width > WIDTH_MAX) {
    throw new UsageError(`--width ${given}: expected columns from 1 to ${WIDTH_MAX}`);
  }
  return () => width;
}

/** In place on a terminal, a line each elsewhere. */
async function watch(line: () => Promise<string>, output: Output): Promise<void> {
  const end = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end.resolve());
  let over = false;
  void end.promise.then(() => {
    over = true;
  });
  while (!over) {
    const text = await line();
    if (output.isTerminal) output.write(`\r\x1b[2K${text}`);
    else output.say(text);
    await Promise.race([end.promise, Bun.sleep(WATCH_MS)]);
  }
  if (output.isTerminal) output.write("\n");
}
