/**
 * The canonical workload: a mesh of its own, every picture asked for at the edge that owns it; as many as it
 * answers, then how long they take at half of that.
 */

import { systemClock } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import { ask } from "../demo/ask.ts";
import { complainOf, startFleet } from "../demo/fleet.ts";
import type { Running } from "../demo/intro.ts";
import { openPorts } from "../demo/ports.ts";
import { prepare } from "../demo/prepare.ts";
import { isGood } from "../demo/round.ts";
import { serveCommands } from "../demo/serve-commands.ts";
import { type DemoEnv, openStateDir } from "../demo/state-dir.ts";
import { listenForStop } from "../demo/stop-signals.ts";
import { aside, type Output } from "../output.ts";
import type { Canonical } from "./headlines.ts";
import { packIds } from "./id-pack.ts";
import { measure } from "./measure.ts";
import type { Group, LoadPlan, Variant } from "./plan.ts";
import { parseAddress } from "./targets.ts";

export interface CanonicalOptions {
  /** undefined: the demo's own pictures. */
  readonly photosDir: string | undefined;
  readonly threads: number;
  readonly connections: number;
  /** Of each of the two loads. */
  readonly durationMs: number;
  readonly json: boolean;
  readonly output: Output;
  readonly env: DemoEnv;
}

const VARIANTS: readonly Variant[] = [
  { size: "xs", format: "jpg", weight: 1 },
  { size: "sm", format: "jpg", weight: 3 },
  { size: "md", format: "jpg", weight: 1 },
];
const ZIPF = 0.9;
const SEED = 3;
const ANSWER_MS = 30_000;
/** In which the generator's own code is compiled, and the mesh's. */
const RAMP_MS = 2_000;
/** Made by the first, kept in memory by those after it. */
const WARM_TURNS = 3;
const WARM_AT_ONCE = 4;

/** undefined when it was stopped, or a node failed, which has been said. Throws Faults. */
export async function runCanonical(options: CanonicalOptions): Promise<Canonical | undefined> {
  const { output, json, env, photosDir } = options;
  using stop = listenForStop(systemClock);
  using state = openStateDir({ ...env, MIR_DEMO_DIR: undefined });
  using ports = openPorts(Math.random);
  const { signal } = stop;
  const people = json ? aside(output) : output;
  const running = await prepare({
    ...{ photosDir, stateDir: state.path, env, ports, signal, output: people },
    usualPorts: false,
  }).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (running === undefined) return undefined;
  await using fleet = await startFleet({
    commands: serveCommands(running),
    signal,
    output: people,
  });
  if (fleet === undefined) return undefined;
  const failed = new AbortController();
  void fleet.lost.then(({ node, how }) => {
    complainOf(node, `${node.name} ${how}`, people);
    failed.abort();
  });
  const over = AbortSignal.any([signal, failed.signal]);
  people.say(`${running.map.servers.length} nodes run; their caches are being filled`);
  const good = await warm(running, over);
  if (over.aborted) return undefined;
  return await measureBoth({ options, groups: groupsOf(running, good), signal: over, people });
}

async function measureBoth(run: {
  readonly options: CanonicalOptions;
  readonly groups: readonly Group[];
  readonly signal: AbortSignal;
  readonly people: Output;
}): Promise<Canonical | undefined> {
  const { options, groups, signal, people } = run;
  const { json, output } = options;
  const load = { uploads: undefined, json, output, signal };
  people.say("as many hits as are answered");
  const closed = await measure({ ...load, plan: planOf(options, groups, undefined) });
  const half = closed.requestsPerSecond / 2;
  if (signal.aborted || half === 0) return undefined;
  people.say("half as many, when they are due");
  const open = await measure({ ...load, plan: planOf(options, groups, half) });
  if (signal.aborted) return undefined;
  const hitsPerSecond = closed.requestsPerSecond * (closed.hitRatio ?? 0);
  return { hitsPerSecond, hitP99Ms: open.hitLatencyMs.p99, closed, open };
}

function planOf(
  { threads, connections, durationMs }: CanonicalOptions,
  groups: readonly Group[],
  perSecond: number | undefined,
): LoadPlan {
  return {
    ...{ groups, threads, connections, durationMs, perSecond, count: undefined },
    ...{ prefix: "puddle", variants: VARIANTS, zipf: ZIPF, misses: 0 },
    ...{ rampMs: Math.min(RAMP_MS, durationMs), answerMs: ANSWER_MS, seed: SEED },
  };
}

/** Which pictures every variant of could be had of. Throws a Fault when there is none. */
async function warm({ photos, map }: Running, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const good = new Set<string>();
  const left = [...photos];
  const next = async (): Promise<void> => {
    for (let photo = left.pop(); photo !== undefined && !signal.aborted; photo = left.pop()) {
      const [owner] = map.ownerFirst(photo);
      const urls = VARIANTS.map((variant) => map.url(owner, photo, variant));
      let isWhole = true;
      for (let turn = 0; turn < WARM_TURNS && isWhole; turn++) {
        for (const url of urls) isWhole &&= isGood(await ask({ edge: owner.name, url }, signal));
      }
      if (isWhole) good.add(photo.webId);
    }
  };
  await Promise.all(Array.from({ length: WARM_AT_ONCE }, next));
  if (good.size > 0 || signal.aborted) return good;
  throw new Fault("undecodable", "none of the pictures can be had in every size");
}

/** An edge that owns none of them is not asked. */
function groupsOf({ photos, map }: Running, good: ReadonlySet<string>): readonly Group[] {
  return map.edges.flatMap((edge) => {
    const own = photos.filter(
      (photo) => map.ownerFirst(photo)[0] === edge && good.has(photo.webId),
    );
    if (own.length === 0) return [];
    const { target } = parseAddress(edge.origin);
    return [{ target, ids: packIds(own.map(({ webId }) => webId)) }];
  });
}
