/**
 * At the lowest level: what peers have of a picture, before its original is read from the origin (spec §6). A thumbnail
 * does not pull a large original while a smaller picture that is sufficient lies next door.
 */

import { type Facts, ORIG, parseRelname, relnameOf, type Variant } from "../base/variant.ts";
import { planVariant } from "../image/plan.ts";
import type { Context } from "./context.ts";
import type { Incoming } from "./fill.ts";
import { candidateOf, type LocalSource, localSource, targetOf } from "./generate.ts";
import { loadVariant } from "./load.ts";
import { originalOf, type Sighting } from "./original.ts";
import type { Parts } from "./parts.ts";
import { findAtPeers, lookNearby } from "./probe.ts";

export type Nearby =
  /** A peer has the very variant: it is on its way. */
  | { readonly kind: "wanted"; readonly incoming: Incoming }
  /** What it is made from has come here. */
  | { readonly kind: "source"; readonly from: LocalSource };

/** Bytes a pixel of originals whose length is not known, as cameras write them. */
const ORIGINAL_BYTES_PER_PIXEL = 0.35;

/** What a peer knows of the picture; undefined when nobody near has anything of it. */
export async function factsNearby(
  parts: Parts,
  context: Context,
  id: string,
): Promise<Sighting | undefined> {
  const sight = await lookNearby(parts, context, originalOf(id));
  return sight?.reply.meta;
}

/** undefined when the original is the cheapest there is, or nothing that peers have could be brought here. */
export async function findNearby(
  parts: Parts,
  context: Context,
  { wanted, facts }: { readonly wanted: Variant; readonly facts: Facts },
): Promise<Nearby | undefined> {
  const target = targetOf(parts, wanted, facts);
  const sight = target && (await lookNearby(parts, context, wanted));
  if (target === undefined || sight === undefined) return undefined;
  const { peer, reply } = sight;
  const { relname, bytes, lossySteps } = reply.meta;
  const offered = parseRelname(relname);
  if (offered === undefined || bytes === 0) return undefined;
  if (relname === relnameOf(wanted)) {
    const incoming = await findAtPeers(parts, context, wanted, peer);
    return incoming && { kind: "wanted", incoming };
  }
  const sources = [
    candidateOf(parts, { ...offered, bytes, lossySteps }, "peer"),
    candidateOf(parts, storedOriginal(facts), "origin"),
  ];
  const plan = planVariant(target, { sources, isLowest: true });
  if (plan.kind !== "make" || plan.from.place !== "peer") return undefined;
  const name = { ...offered, id: wanted.id };
  const served = await loadVariant(parts, { name, context, whole: true, holder: peer });
  if (served.kind === "stream") served.body.cancel();
  const from = localSource(parts, { wanted, facts });
  return from && { kind: "source", from };
}

/** Of a length and format that are only known when it is read. */
function storedOriginal({ width, height }: Facts) {
  const bytes = width * height * ORIGINAL_BYTES_PER_PIXEL;
  return { size: ORIG, ext: "jpg", bytes, lossySteps: 0 };
}
