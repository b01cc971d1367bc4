/** Who has what of an id: this node by its index, the others by being asked for what is on their disks. */

import { DEADLINES } from "../../base/deadlines.ts";
import { eachOf } from "../../base/each-of.ts";
import { asFault } from "../../base/fault.ts";
import { LIMITS } from "../../base/limits.ts";
import { relnameOf } from "../../base/variant.ts";
import type { PeerState } from "../../mesh/health.ts";
import { serverNamed } from "../../topology/topology.ts";
import type { ListedVariant } from "../../wire/messages.ts";
import { originalOf } from "../original.ts";
import type { Parts } from "../parts.ts";
import { levelsBelow } from "../upstream.ts";

export interface Holder {
  readonly server: string;
  /** 1 owns the id. */
  readonly rank: number;
  readonly self: boolean;
  readonly state: PeerState;
  readonly region: string | undefined;
  readonly weight: number;
  readonly draining: boolean;
  /** undefined: it was not asked, or did not answer. */
  readonly variants: readonly ListedVariant[] | undefined;
  /** Why not. */
  readonly unknown: string | undefined;
}

export interface LevelHolders {
  readonly level: number;
  /** In the order of their ranks. */
  readonly servers: readonly Holder[];
  /** Further ranks, which were not asked. */
  readonly more: number;
}

/** This level, then each below; at most `whyAskMs` for one server. Nothing counts as an access anywhere. */
export async function lookAround(parts: Parts, id: string): Promise<readonly LevelHolders[]> {
  const { self, ownership, topology } = parts;
  const here = ownership.rank(self.level, self.region, id);
  const levels = [here, ...levelsBelow(parts, id)].filter((ranks) => ranks.length > 0);
  const asked = levels.flatMap((ranks) => ranks.slice(0, LIMITS.whyAskedMax));
  const found = new Map<string, Pick<Holder, "variants" | "unknown">>();
  await eachOf(asked, LIMITS.whyAskedAtOnce, async (server) => {
    found.set(
      server,
      server === self.name ? hereOnDisk(parts, id) : await listOf(parts, server, id),
    );
  });
  return levels.map((ranks) => ({
    level: serverNamed(topology, ranks[0] ?? "").level,
    servers: ranks.slice(0, LIMITS.whyAskedMax).map((name, i) => {
      const { region, weight, draining } = serverNamed(topology, name);
      return {
        ...{ server: name, rank: i + 1, self: name === self.name, region, weight, draining },
        state: parts.health.state(name),
        variants: found.get(name)?.variants,
        unknown: found.get(name)?.unknown,
      };
    }),
    more: Math.max(0, ranks.length - LIMITS.whyAskedMax),
  }));
}

type Found = Pick<Holder, "variants" | "unknown">;

function hereOnDisk({ local }: Parts, id: string): Found {
  const variants = local
    .variants(id)
    .map(({ meta: { relname, bytes, validator } }) => ({ relname, bytes, validator }));
  return { variants, unknown: undefined };
}

async function listOf(parts: Parts, server: string, id: string): Promise<Found> {
  const { health, links, topology } = parts;
  const unknown = (why: string): Found => ({ variants: undefined, unknown: why });
  if (serverNamed(topology, server).legacy) return unknown("not asked: a legacy node");
  if (health.state(server) === "down") return unknown("not asked: it is down");
  try {
    const reply = await links.ask(server, {
      relname: relnameOf(originalOf(id)),
      role: "local",
      deadlineMs: DEADLINES.whyAskMs,
      hops: 1,
      facts: true,
      list: true,
    });
    reply.body.cancel();
    const { variants } = reply;
    return variants === undefined
      ? unknown("it does not tell: another version")
      : { variants, unknown: undefined };
  } catch (error) {
    const { code, message } = asFault(error);
    return code === "blocked" ? unknown("blocked there") : unknown(`did not answer: ${message}`);
  }
}
