/** `mir why`: for one picture, who owns it, who has what of it, how it came, and what the next request would do. */

import { defineCommand } from "citty";
import { Fault } from "../base/fault.ts";
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
  id: {
    type: "positional",
    valueHint: "ID",
    description: "a content id, or a web id",
    required: true,
  },
} as const;

export const whyCommand = defineCommand({
  meta: { name: "why", description: "who has a picture, how it came there, what happens next" },
  args,
  async run({ args: given }) {
    if (given._.length > 1) throw new UsageError("mir why looks at one id at a time");
    const { size, format } = given;
    const client = await findAdminClient({ ...given, token: process.env["MIR_ADMIN_TOKEN"] });
    const query = new URLSearchParams();
    if (size !== undefined) query.set("size", size);
    if (format !== undefined) query.set("format", format);
    const answer = await client.get(`/why/${encodeURIComponent(given.id)}?${query}`).catch(blame);
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

/** Which sizes and formats there are, the node knows; that one is none of them is a mistake on the command line. */
function blame(error: unknown): never {
  if (!(error instanceof Fault)) throw error;
  if (error.code === "bad_size") throw new UsageError(`--size: ${error.message}`);
  if (error.code === "bad_format") throw new UsageError(`--format: ${error.message}`);
  throw error;
}
