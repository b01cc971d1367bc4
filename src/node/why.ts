/** `GET /why/{id}`: who owns an id, who has what of it, how hot it is, how it came here, what a request would do next. */

import { asFault, Fault } from "../base/fault.ts";
import {
  FORMATS,
  isContentId,
  isFormat,
  ORIG,
  PLACEHOLDER,
  PLACEHOLDER_FORMAT,
} from "../base/variant.ts";
import type { HotKeeper, HotShown } from "../content/hot/keeper.ts";
import type { Outbox } from "../content/outbox.ts";
import type { Parts } from "../content/parts.ts";
import type { FillRecord } from "../content/why/fills.ts";
import type { Forecast, Step } from "../content/why/forecast.ts";
import { type LevelHolders, lookAround } from "../content/why/holdings.ts";
import {
  type PathRecalled,
  type Recalled,
  type RefusalRecalled,
  recall,
  type WhyWish,
} from "../content/why/recall.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { sizeNames } from "../topology/topology.ts";
import type { Crew } from "./crew.ts";

export interface WhyDocument {
  readonly server: string;
  readonly level: number;
  /** As it was asked. */
  readonly asked: string;
  readonly id: string;
  /** undefined: it was asked by its content id. */
  readonly webId: string | undefined;
  readonly size: string;
  readonly format: string;
  readonly blocked: boolean;
  /** Unix seconds; null: not of late. */
  readonly purgedAt: number | null;
  /** Relnames that may not be evicted here yet. */
  readonly pinned: readonly string[];
  /** An upload on its way to the store, or one that people should look at. */
  readonly outbox: "waiting" | "aside" | null;
  readonly levels: readonly LevelHolders[];
  readonly hot: {
    readonly threshold: number;
    /** undefined: nobody has asked for it of late. */
    readonly tracked: HotShown | undefined;
    /** Relnames that this node keeps for their owner. */
    readonly replicas: readonly string[];
  };
  /** The last of each variant, the latest first; worker 0 is the node's background work. */
  readonly fills: readonly (FillRecord & { readonly worker: number })[];
  readonly workers: readonly {
    readonly worker: number;
    /** False: it had no time to say. */
    readonly answered: boolean;
    readonly path: PathRecalled | undefined;
    readonly refusals: readonly RefusalRecalled[];
  }[];
  /** What workers would do; one each for those that would do the same. */
  readonly next: readonly (Forecast & { readonly workers: readonly number[] })[];
}

export type Why = (asked: string, query: URLSearchParams) => Promise<WhyDocument>;

/** On the main thread. */
export function makeWhy(options: {
  /** The parts that follow the topology. */
  readonly parts: Parts;
  readonly resolver: Pick<Resolver, "resolve">;
  readonly crew: Pick<Crew, "recall">;
  readonly keeper: Pick<HotKeeper, "about" | "isReplica">;
  readonly outbox: () => Pick<Outbox, "list" | "aside">;
}): Why {
  const { parts, resolver, crew, keeper, outbox } = options;
  const tell: Why = async (asked, query) => {
    const wish = { ...(await nameOf(resolver, asked)), ...variantOf(parts, query) };
    const { id } = wish;
    const [levels, threads] = await Promise.all([lookAround(parts, id), crew.recall(wish)]);
    const own = recall(parts, wish);
    const { threshold, shown } = keeper.about(id);
    const local = parts.local.variants(id).map(({ meta }) => meta.relname);
    const pinned = new Set(parts.cache.pinned());
    return {
      ...{ server: parts.self.name, level: parts.self.level, asked, ...wish },
      blocked: parts.purged.blocked(id),
      purgedAt: parts.purged.stamp(id) || null,
      pinned: local.filter((relname) => pinned.has(relname)),
      outbox: outboxOf(outbox(), id),
      levels,
      hot: { threshold, tracked: shown, replicas: local.filter((name) => keeper.isReplica(name)) },
      fills: fillsOf([{ worker: 0, recalled: own }, ...threads]),
      workers: threads.map(({ worker, recalled }) => ({
        worker,
        answered: recalled !== undefined,
        path: recalled?.path,
        refusals: recalled?.refusals ?? [],
      })),
      next: nextOf(threads, levels),
    };
  };
  return async (asked, query) => {
    try {
      return await tell(asked, query);
    } catch (error) {
      if (!(error instanceof Fault)) parts.log.error("why.failed", { asked, error });
      throw error;
    }
  };
}

/** A web id, or a content id; the resolver says which. Throws Faults. */
async function nameOf(
  resolver: Pick<Resolver, "resolve">,
  asked: string,
): Promise<Pick<WhyWish, "id" | "webId">> {
  try {
    const resolution = await resolver.resolve(asked);
    if (resolution.kind === "known") return { id: resolution.id, webId: asked };
  } catch (error) {
    if (!isContentId(asked)) throw asFault(error);
  }
  if (isContentId(asked)) return { id: asked, webId: undefined };
  throw new Fault("not_found", `${asked} is neither a content id nor a web id that is known`);
}

function variantOf(
  { topology }: Pick<Parts, "topology">,
  query: URLSearchParams,
): Pick<WhyWish, "size" | "format"> {
  const size = query.get("size") ?? defaultSize(topology);
  const format = query.get("format") ?? (size === PLACEHOLDER ? PLACEHOLDER_FORMAT : "jpg");
  const sizes = sizeNames(topology);
  if (!sizes.includes(size)) {
    throw new Fault("bad_size", `there is no size ${size}; there are ${sizes.join(", ")}`);
  }
  if (size === PLACEHOLDER && format !== PLACEHOLDER_FORMAT) {
    throw new Fault("bad_format", `a placeholder is ${PLACEHOLDER_FORMAT}, not ${format}`);
  }
  if (size !== ORIG && !isFormat(format)) {
    throw new Fault("bad_format", `${format} is none of ${FORMATS.join(", ")}`);
  }
  return { size, format };
}

/** `md` where the site has it. */
function defaultSize({ sizes }: Parts["topology"]): string {
  const names = sizes.map(({ name }) => name);
  return names.includes("md") ? "md" : (names[0] ?? ORIG);
}

function outboxOf(outbox: Pick<Outbox, "list" | "aside">, id: string): WhyDocument["outbox"] {
  const isOf = ({ relname }: { readonly relname: string }): boolean =>
    relname.includes(`/${ORIG}/${id}.`);
  if (outbox.aside().some(isOf)) return "aside";
  return outbox.list().some(isOf) ? "waiting" : null;
}

interface Thread {
  readonly worker: number;
  readonly recalled: Recalled | undefined;
}

/** The last of each variant, whichever thread brought it. */
function fillsOf(threads: readonly Thread[]): WhyDocument["fills"] {
  const all = threads
    .flatMap(({ worker, recalled }) => (recalled?.fills ?? []).map((fill) => ({ ...fill, worker })))
    .sort((a, b) => b.at - a.at);
  const seen = new Set<string>();
  return all.filter(({ relname }) => !seen.has(relname) && seen.add(relname));
}

function nextOf(threads: readonly Thread[], levels: readonly LevelHolders[]): WhyDocument["next"] {
  const told = new Map<string, Forecast & { readonly workers: number[] }>();
  for (const { worker, recalled } of threads) {
    if (recalled === undefined) continue;
    const key = JSON.stringify(recalled.next);
    const same = told.get(key);
    if (same !== undefined) same.workers.push(worker);
    else told.set(key, { ...withHoldings(recalled.next, levels), workers: [worker] });
  }
  return [...told.values()];
}

/** Whether those that would be asked have it, which the thread cannot know. */
function withHoldings(next: Forecast, levels: readonly LevelHolders[]): Forecast {
  const holders = new Map(levels.flatMap(({ servers }) => servers).map((one) => [one.server, one]));
  const annotated = (step: Step): Step => {
    const variants = holders.get(step.servers[0] ?? "")?.variants;
    const asks = step.does === "ask-peer" || step.does === "ask-below";
    if (!asks || variants === undefined) return step;
    const has = variants.some(({ relname }) => relname === next.relname);
    const lacks = variants.length > 0 ? "it has other variants of it" : "it has nothing of it yet";
    return { ...step, why: `${step.why}; ${has ? "it has it on disk" : lacks}` };
  };
  return { ...next, steps: next.steps.map(annotated) };
}
