/** What an operator may tell a node to do, by path of the admin listener. */

import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { contentIdOfWebId } from "../base/web-name.ts";
import type { Parts } from "../content/parts.ts";
import type { Rebalancer } from "../content/rebalance.ts";
import { carryOutWarm } from "../content/warm-order.ts";
import type { AdminAction } from "../http/admin.ts";
import type { PurgeRequest, Purges } from "./purges.ts";

const words = v.array(v.string());
const warmSchema = v.strictObject({
  names: words,
  sizes: v.optional(words, []),
  formats: v.optional(words, []),
  to: v.optional(words, []),
});

const rebalanceSchema = v.strictObject({ start: v.boolean() });
const purgeSchema = v.strictObject({
  ids: v.pipe(words, v.minLength(1), v.maxLength(LIMITS.purgeIdsMax)),
  block: v.optional(v.boolean(), false),
  unblock: v.optional(v.boolean(), false),
  origin: v.optional(v.boolean(), false),
});

/** They run on the main thread, with parts of its own, beside the workers. */
export function adminActions(
  parts: Parts,
  {
    rebalancer,
    purges,
  }: { readonly rebalancer: Rebalancer; readonly purges: Pick<Purges, "order"> },
): Readonly<Record<string, AdminAction>> {
  return {
    "/purge": async (body) => purges.order(purgeRequestOf(parse(purgeSchema, body))),
    "/warm": async (body) => ({ results: await carryOutWarm(parts, parse(warmSchema, body)) }),
    "/rebalance": async (body) => {
      const { start } = parse(rebalanceSchema, body);
      const before = rebalancer.status();
      if (start) rebalancer.start();
      return { before, now: rebalancer.status() };
    },
  };
}

/** Ids may be web ids that stand for themselves (see base/web-name.ts). */
function purgeRequestOf(body: v.InferOutput<typeof purgeSchema>): PurgeRequest {
  const { block, unblock, origin } = body;
  if (unblock && (block || origin)) {
    throw new Fault("bad_request", "unblock goes neither with block nor with origin");
  }
  const ids = body.ids.map((name) => {
    const id = contentIdOfWebId(name);
    if (id === undefined) throw new Fault("bad_request", `${name} is no id`);
    return id;
  });
  const blocking = block ? "block" : "purge";
  return { ids: [...new Set(ids)], action: unblock ? "unblock" : blocking, origin };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, body: unknown): T {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const key = v.getDotPath(issue) ?? "the body";
  throw new Fault("bad_request", `${key}: expected ${issue.expected}, found ${issue.received}`);
}
