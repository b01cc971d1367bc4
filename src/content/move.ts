/** Moves one variant to the server of this level that owns it (`&`, spec §4). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import { serverNamed } from "../topology/topology.ts";
import type { Parts } from "./parts.ts";
import { shapeSaid } from "./shape-said.ts";

export type Moved =
  | { readonly kind: "moved" }
  /** The owner had it. */
  | { readonly kind: "already" }
  /** It went by itself meanwhile: evicted, expired, purged. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly fault: Fault };

export type MoveParts = Pick<
  Parts,
  "cache" | "links" | "ownership" | "self" | "topology" | "clock" | "purged"
>;

/** The server that should have the variant instead of this one; undefined when it belongs here. */
export function belongsTo(
  { ownership, self }: Pick<MoveParts, "ownership" | "self">,
  relname: string,
): string | undefined {
  const name = parseRelname(relname);
  if (name === undefined) return undefined;
  const [owner] = ownership.topRanks(self.level, self.region, name.id);
  return owner === self.name ? undefined : owner;
}

/** The copy here goes when the owner has said that it has it, never before; a pinned one stays. */
export async function moveVariant(
  parts: MoveParts,
  meta: VariantMeta,
  owner: string,
): Promise<Moved> {
  const { cache } = parts;
  // what this disk has spoiled must not become another node's truth
  const verdict = await cache.inspect(meta.relname);
  if (verdict === "gone" || verdict === "damaged") return { kind: "gone" };
  try {
    const legacy = serverNamed(parts.topology, owner).legacy;
    const large = meta.bytes > LIMITS.rebalanceAskBytes && !legacy;
    const has = large && (await ownerHas(parts, meta, owner));
    const note = has ? "already" : await tellOwner(parts, meta, owner);
    if (legacy) await readBack(parts, meta, owner);
    cache.forget(meta.relname);
    return { kind: note === "already" ? "already" : "moved" };
  } catch (error) {
    const fault = asFault(error);
    if (cache.peek(meta.relname) === undefined) return { kind: "gone" };
    // the index has it and the disk has not, or its size is none there, or another one: it can be made again
    if (fault.code !== "not_found" && fault.code !== "bad_size") return { kind: "failed", fault };
    cache.forget(meta.relname);
    return { kind: "gone" };
  }
}

async function tellOwner(parts: MoveParts, meta: VariantMeta, owner: string): Promise<string> {
  const path = parts.cache.pathOf(meta.relname);
  const sourceAt = parts.purged.sourceAt(parseRelname(meta.relname)?.id ?? "");
  const shape = shapeSaid(parts, meta.relname);
  const message = { kind: "rebalance", meta: { ...meta, sourceAt }, path, shape } as const;
  const told = await parts.links.tell(owner, message, { deadlineMs: transferMs(meta) });
  return told.note;
}

/** A legacy owner acknowledges nothing, so it is asked for what it was given. */
async function readBack({ links }: MoveParts, meta: VariantMeta, owner: string): Promise<void> {
  const { relname, bytes } = meta;
  const deadlineMs = DEADLINES.rebalanceTellMs;
  const reply = await links.ask(owner, { relname, role: "owner", deadlineMs, hops: 1 });
  reply.body.cancel();
  if (reply.meta.bytes !== bytes) throw new Fault("peer_failed", "a legacy owner has other bytes");
}

/** What is large is not sent only to hear that it is there: the answer would come amid its bytes. */
async function ownerHas({ links }: MoveParts, meta: VariantMeta, owner: string): Promise<boolean> {
  try {
    const reply = await links.ask(owner, {
      relname: meta.relname,
      role: "local",
      head: true,
      deadlineMs: DEADLINES.probeMs,
      hops: 1,
    });
    reply.body.cancel();
    return reply.meta.relname === meta.relname;
  } catch (error) {
    if (error instanceof Fault && error.code === "not_found") return false;
    throw error;
  }
}

/** Until the acknowledgement, which comes after the last byte. */
function transferMs({ bytes }: VariantMeta): number {
  return DEADLINES.rebalanceTellMs + (bytes / LIMITS.rebalanceLeastBytesPerSecond) * 1000;
}
