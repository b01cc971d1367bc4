/** What a node does when it is asked as owner: disk, generation, the level below, the origin; never sideways. */

import { asFault, Fault } from "../base/fault.ts";
import { type Facts, ORIG, type Variant } from "../base/variant.ts";
import { type Context, withinDeadline } from "./context.ts";
import { keyOf, loadVariant, resident } from "./load.ts";
import { mended } from "./mend.ts";
import { factsNearby } from "./nearby.ts";
import { lookAtOriginal, originalOf, type Sighting } from "./original.ts";
import type { Parts } from "./parts.ts";
import { factsAtPeers } from "./probe.ts";
import type { Served } from "./served.ts";
import { mayStandIn, standIn, standInAtOnce, standInFor, withMargin } from "./stand-in.ts";
import { askBelow, isLowest } from "./upstream.ts";

/**
 * The variant, by the first of spec §1 steps 2, 4, 5, 6 that can; a larger one when there is no image worker in time
 * and whoever asks can do with it. Throws Faults.
 */
export async function serveAsOwner(
  parts: Parts,
  wanted: Variant,
  context: Context,
): Promise<Served> {
  if (context.standIns !== true) return theVariant(parts, wanted, context);
  const { clock, local } = parts;
  try {
    return await theVariant(parts, wanted, withMargin(context, clock.monotonicMs()));
  } catch (error) {
    if (!mayStandIn(asFault(error))) throw error;
    const instead = standInFor(parts, local.canonical(wanted));
    const served = instead && standIn(parts, { wanted, instead }, context);
    if (served === undefined) throw error;
    return served;
  }
}

/** What is on this disk under the name it is kept by; undefined: to be come by with `serveAsOwner`. Throws Faults. */
export function ownedHere(parts: Parts, wanted: Variant): Served | undefined {
  const { local } = parts;
  refuseMissing(parts, wanted.id);
  const known = wanted.size === ORIG || !isLowest(parts) || local.facts(wanted.id) !== undefined;
  const meta = known ? local.look(local.canonical(wanted)) : undefined;
  return meta && resident(parts, meta, { source: "hit", via: "" });
}

async function theVariant(parts: Parts, wanted: Variant, context: Context): Promise<Served> {
  const { local, negatives } = parts;
  refuseMissing(parts, wanted.id);
  // the lowest level names what it keeps by the true size of the picture, so it has to know that first
  const read =
    isLowest(parts) && wanted.size !== ORIG && (await learnFacts(parts, wanted.id, context));
  const name = local.canonical(wanted);
  const meta = local.look(name);
  if (meta !== undefined) return resident(parts, meta, { source: "hit", via: "" });
  negatives.check(keyOf(name));
  const instead = standInAtOnce(parts, name, context);
  if (instead !== undefined) return instead;
  const served = await loadVariant(parts, { name, context });
  if (served.outcome.source === "stand-in" && context.standIns !== true) {
    if (served.kind === "stream") served.body.cancel();
    throw new Fault("overloaded", "below there is only a larger variant", { retryAfterMs: 1000 });
  }
  if (!read || served.outcome.source !== "generated") return served;
  return { ...served, outcome: { ...served.outcome, source: "origin" } };
}

/** Throws the 404 that is remembered, unless something of the picture has come here since, by whatever way. */
function refuseMissing({ negatives, local }: Parts, id: string): void {
  try {
    negatives.check(id);
  } catch (error) {
    if (local.variants(id).length === 0) throw error;
    negatives.clearId(id);
  }
}

/** What is known of the picture: asked of the level below, or looked up in the original, where needed. */
export function factsAsOwner(parts: Parts, id: string, context: Context): Promise<Facts> {
  const known = parts.local.facts(id);
  if (known !== undefined) return Promise.resolve(known);
  const found = parts.factFlights.run(`${id} ${parts.purged.stamp(id)}`, () =>
    findFacts(parts, id, context),
  );
  return withinDeadline(context, parts.clock, found);
}

/** Whether the original had to be read from the origin for it. */
async function learnFacts(parts: Parts, id: string, context: Context): Promise<boolean> {
  if (parts.local.facts(id) !== undefined) return false;
  const isHere = (): boolean => parts.local.look(originalOf(id)) !== undefined;
  if (isHere()) {
    await factsAsOwner(parts, id, context);
    return false;
  }
  await factsAsOwner(parts, id, context);
  // other nodes may have told them
  return isHere();
}

/** From a peer, unless the original is here or there is no other way to it. */
async function factsNext(
  parts: Parts,
  id: string,
  context: Context,
): Promise<Sighting | undefined> {
  const here = parts.local.variants(id).some(({ variant }) => variant.size === ORIG);
  return here ? undefined : factsNearby(parts, context, id);
}

async function findFacts(parts: Parts, id: string, context: Context): Promise<Facts> {
  const { negatives, local, purged } = parts;
  const key = `${id}/facts`;
  const stamp = purged.stamp(id);
  refuseMissing(parts, id);
  negatives.check(key);
  try {
    const moved = await factsAtPeers(parts, context, id);
    if (moved !== undefined) {
      local.remember(id, moved.facts, moved.sourceAt);
      return moved.facts;
    }
    const below = await askBelow(parts, context, { wanted: originalOf(id), facts: true });
    below?.reply.body.cancel();
    const seen =
      below?.reply.meta ??
      (await factsNext(parts, id, context)) ??
      (await mended(parts, { id, context }, () => lookAtOriginal(parts, id, context)));
    local.remember(id, seen.facts, seen.sourceAt);
    return seen.facts;
  } catch (error) {
    const fault = asFault(error);
    if (purged.stamp(id) === stamp) negatives.keep(fault.code === "not_found" ? id : key, fault);
    throw fault;
  }
}
