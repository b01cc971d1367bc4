/** How busy servers are, as their answers tell it, and whom of several that comes to ask. */

/** Of a whole node. */
export interface Load {
  /** Answers a second of late: to its clients from its own disk, and to peers. */
  readonly rate: number;
  /** Requests that it is working on. */
  readonly busy: number;
}

/** Above this many times the mean of requests under way a server is passed over. */
const BOUND = 1.25;
/** So few are under way everywhere now and then. */
const BUSY_ALWAYS = 2;

export interface Choice {
  readonly name: string;
  readonly weight: number;
  /** Unknown loads count as none: so one is heard of soon. */
  readonly load: Load | undefined;
}

/**
 * Two at random, and the less loaded of them: nearly as good as the least loaded of all, without all askers running to
 * the same one while it has not told its new load (Mitzenmacher 1996). Those far above the mean are left out before
 * (consistent hashing with bounded loads). undefined when there is nobody.
 */
export function lessLoaded(choices: readonly Choice[], random: () => number): string | undefined {
  const mean = choices.reduce((sum, one) => sum + busyOf(one), 0) / choices.length;
  const boundBusy = Math.max(BUSY_ALWAYS, BOUND * mean);
  const open = choices.filter((one) => busyOf(one) <= boundBusy);
  const first = open[Math.floor(random() * open.length)];
  const others = open.filter((one) => one !== first);
  const second = others[Math.floor(random() * others.length)];
  if (first === undefined || second === undefined) return first?.name;
  return rateOf(second) < rateOf(first) ? second.name : first.name;
}

function busyOf({ load, weight }: Choice): number {
  return (load?.busy ?? 0) / weight;
}

function rateOf({ load, weight }: Choice): number {
  return (load?.rate ?? 0) / weight;
}
