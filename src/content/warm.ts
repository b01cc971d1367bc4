/** Warm: fetches a variant from its owner and keeps it, so that this node can serve it too (spec §7). */

import { asFault, Fault } from "../base/fault.ts";
import { parseRelname, type Variant } from "../base/variant.ts";
import { type Context, startContext } from "./context.ts";
import { keepIncoming } from "./keep.ts";
import { loadVariant } from "./load.ts";
import { serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import { askPeer } from "./upstream.ts";

export type Warmed = "stored" | "already" | "no room";

/**
 * `owner` is whom to fetch it from; by default the id's owner. Throws Faults: not found, the owner
 * cannot be reached, and whatever the load fails with.
 */
export async function warmVariant(
  parts: Parts,
  relname: string,
  owner: string | undefined,
): Promise<Warmed> {
  const asked = parseRelname(relname);
  if (asked === undefined) throw new Fault("bad_request", "that is no relname of this mesh");
  parts.purged.refuseBlocked(asked.id);
  const name = parts.local.canonical(asked);
  const here = parts.local.look(name);
  if (here !== undefined) {
    // a copy from before a restart is one again
    if (isForeign(parts, name.id)) await parts.hot.admit(here.relname, here.bytes);
    return "already";
  }
  const context = startContext(parts.clock);
  const from = owner ?? ownerOf(parts, name.id);
  const served =
    from === parts.self.name
      ? await serveAsOwner(parts, name, context)
      : await fetchFrom(parts, { name, context, from });
  if (served.kind === "stream") served.body.cancel();
  if (!served.outcome.stored) return served.outcome.source === "hit" ? "already" : "no room";
  parts.counters.add("warm_stored");
  return "stored";
}

function isForeign(parts: Parts, id: string): boolean {
  return ownerOf(parts, id) !== parts.self.name;
}

function ownerOf(parts: Parts, id: string): string {
  const [rank1] = parts.ownership.topRanks(parts.self.level, parts.self.region, id);
  return rank1 ?? parts.self.name;
}

/** Leads the load itself, from the peer; one that is under way already is waited for. */
async function fetchFrom(
  parts: Parts,
  options: { readonly name: Variant; readonly context: Context; readonly from: string },
) {
  const { name, context, from } = options;
  const producer: Parts["producer"] = {
    ...parts.producer,
    async produce(_parts, task, lead) {
      const asked = { peer: from, question: { wanted: name, copy: true } };
      const { reply } = await askPeer(parts, context, asked);
      task.context.story?.from(from);
      const { meta, via, body } = reply;
      if (isForeign(parts, name.id) && !(await parts.hot.admit(meta.relname, meta.bytes))) {
        body.cancel();
        throw new Fault("disk_full", "there is no room for more copies");
      }
      return keepIncoming(parts, { incoming: { meta, via, body, source: "peer" }, lead });
    },
  };
  try {
    return await loadVariant({ ...parts, producer }, { name, context, whole: true });
  } catch (error) {
    // what one peer could not give is no reason to refuse it to people who ask
    parts.negatives.clearId(name.id);
    throw asFault(error);
  }
}
