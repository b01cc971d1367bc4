/** `mir ready`: whether a node serves, as an exit code; what health checks of containers call. */

import { defineCommand } from "citty";
import { DEADLINES } from "../base/deadlines.ts";
import { ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { terminal } from "./output.ts";

const args = { ...ANY_NODE_ARGS } as const;

export const readyCommand = defineCommand({
  meta: { name: "ready", description: "whether a node serves: exit code 0 or 1" },
  args,
  async run({ args: given }) {
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const { status, text } = await client.look("/readyz", DEADLINES.readyAnswerMs);
    if (status === 200) terminal.say(text);
    else terminal.complain(`mir: ${text}`);
    process.exitCode = status === 200 ? 0 : 1;
  },
});
