/** Asks a legacy peer for what it was given: it acknowledges nothing, so its answer has to prove it (spec §3). */

import { asFault, Fault } from "../base/fault.ts";
import type { Variant } from "../base/variant.ts";
import { serverNamed } from "../topology/topology.ts";
import { startContext } from "./context.ts";
import type { Parts } from "./parts.ts";
import { sha256OfBody } from "./sha256.ts";
import { askPeer } from "./upstream.ts";

export function isLegacy(parts: Parts, peer: string): boolean {
  return serverNamed(parts.topology, peer).legacy;
}

/** Throws `conflict` when the peer has other bytes under that name, `peer_failed` when it has none. */
export async function readBack(
  parts: Parts,
  peer: string,
  given: { readonly wanted: Variant; readonly sha256: string; readonly budgetMs: number },
): Promise<void> {
  const { wanted, sha256, budgetMs } = given;
  const context = startContext(parts.clock, { budgetMs });
  try {
    const { reply } = await askPeer(parts, context, { peer, question: { wanted } });
    const { body } = reply;
    if ((await sha256OfBody(body)) === sha256) return;
  } catch (error) {
    const fault = asFault(error);
    if (fault.code !== "not_found") throw fault;
    throw new Fault("peer_failed", "the legacy node did not keep it", { cause: error });
  }
  throw new Fault("conflict", "the legacy node has other bytes under this id");
}
