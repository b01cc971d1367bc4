/** `mir why`: for one picture, who owns it, who has what of it, how it came, and what the next request would do. */

import { defineCommand } from "citty";
import { ANY_NODE_ARGS, findAdminClient } from "./admin-client.ts";
import { makePaint } from "./demo/paint.ts";
import { terminal } from "./output.ts";
import { UsageError } from "./usage.ts";
import { whyLines } from "./why-report.ts";
import { whyOf } from "./why-schema.ts";

const args = {
  ...ANY_NODE_ARGS,
  size: {
    type: "string",
    valueHint: "SIZE",
    description: "of the variant whose next request is told; md by default",
  },
  format: {
    type: "string",
    valueHint: "FORMAT",
    description: "jpg (the default), png, webp, avif or gif",
  },
  json: { type: "boolean", description: "for machines: one JSON document" },
  id: { type: "positional", description: "a content id, or a web id", required: true },
} as const;

export const whyCommand = defineCommand({
  meta: { name: "why", description: "who has a picture, how it came there, what happens next" },
  args,
  async run({ args: given }) {
    if (given._.length > 1) throw new UsageError("mir why looks at one id at a time");
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const query = new URLSearchParams();
    if (given.size !== undefined) query.set("size", given.size);
    if (given.format !== undefined) query.set("format", given.format);
    const answer = await client.get(`/why/${encodeURIComponent(given.id)}?${query}`);
    if (given.json === true) terminal.say(JSON.stringify(answer));
    else {
      const nowSeconds = Date.now() / 1000;
      for (const line of whyLines(whyOf(answer), {
        paint: makePaint(terminal.colour),
        nowSeconds,
      })) {
        terminal.say(line);
      }
    }
  },
});
