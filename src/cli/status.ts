/** `mir status`: the mesh at a glance. */

import { defineCommand } from "citty";
import { ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { glyphsFor } from "./glyphs.ts";
import { fetchMesh } from "./mesh-client.ts";
import { terminal } from "./output.ts";
import { statusLines } from "./status-report.ts";
import { ansiTint, plainTint } from "./tint.ts";

const args = {
  ...ANY_NODE_ARGS,
  json: { type: "boolean", description: "for machines: the whole document, as GET /mesh" },
} as const;

export const statusCommand = defineCommand({
  meta: {
    name: "status",
    description: "the mesh at a glance: who is up, how they do, what is wrong",
  },
  args,
  async run({ args: given }) {
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    if (given.json === true) {
      terminal.say(JSON.stringify(await client.get("/mesh")));
      return;
    }
    const tint = terminal.colour ? ansiTint : plainTint;
    const glyphs = glyphsFor(process.env);
    for (const line of statusLines(await fetchMesh(client), { tint, glyphs })) terminal.say(line);
  },
});
