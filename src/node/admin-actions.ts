/** What an operator may tell a node to do, by path of the admin listener. */

import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import type { Parts } from "../content/parts.ts";
import type { Rebalancer } from "../content/rebalance.ts";
import { carryOutWarm } from "../content/warm-order.ts";
import type { AdminAction } from "../http/admin.ts";

const words = v.array(v.string());
const warmSchema = v.strictObject({
  names: words,
  sizes: v.optional(words, []),
  formats: v.optional(words, []),
  to: v.optional(words, []),
});

const rebalanceSchema = v.strictObject({ start: v.boolean() });

/** They run on the main thread, with parts of its own, beside the workers. */
export function adminActions(
  parts: Parts,
  rebalancer: Rebalancer,
): Readonly<Record<string, AdminAction>> {
  return {
    "/warm": async (body) => ({ results: await carryOutWarm(parts, parse(warmSchema, body)) }),
    "/rebalance": async (body) => {
      const { start } = parse(rebalanceSchema, body);
      const before = rebalancer.status();
      if (start) rebalancer.start();
      return { before, now: rebalancer.status() };
    },
  };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, body: unknown): T {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const key = v.getDotPath(issue) ?? "the body";
  throw new Fault("bad_request", `${key}: expected ${issue.expected}, found ${issue.received}`);
}
