/** What one worker has heard of copies at other servers, and of their load: for asking them instead of the owner. */

import type { Clock } from "../../base/clock.ts";
import { DEADLINES } from "../../base/deadlines.ts";
import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";
import { parseRelname } from "../../base/variant.ts";
import { type Choice, type Load, lessLoaded } from "./load.ts";

/** Both may be out of date by their lifetimes; who is asked and has nothing says so, and the owner is asked. */
export class KnownHolders {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #holders = new TurnoverMap<
    string,
    { readonly names: readonly string[]; untilMs: number }
  >();
  readonly #loads = new Map<string, { readonly load: Load; readonly atMs: number }>();

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether anybody but the owner is known to have the variant. */
  has(relname: string): boolean {
    return this.of(relname).length > 0;
  }

  /** What the owner said of who else has it; nobody when it said nothing. */
  learn(relname: string, names: readonly string[] | undefined): void {
    this.#holders.delete(relname);
    if (names === undefined || names.length === 0) return;
    if (this.#holders.size >= LIMITS.hotKnownMax) this.#holders.deleteFirst();
    const untilMs = this.#clock.monotonicMs() + DEADLINES.hotKnownMs;
    this.#holders.set(relname, { names, untilMs });
  }

  hear(peer: string, load: Load): void {
    this.#loads.set(peer, { load, atMs: this.#clock.monotonicMs() });
  }

  /** Those whose load was told of late. */
  loads(): [peer: string, load: Load][] {
    return [...this.#loads.keys()].flatMap((peer) => {
      const load = this.#loadOf(peer);
      return load === undefined ? [] : [[peer, load] as [string, Load]];
    });
  }

  /** The owner or one of the holders; undefined when none of them may be asked. */
  choose(
    relname: string,
    options: {
      readonly owner: string;
      readonly may: (peer: string) => boolean;
      readonly weight: (peer: string) => number;
    },
  ): string | undefined {
    const { owner, may, weight } = options;
    const choices = [owner, ...this.of(relname)]
      .filter(may)
      .map((name): Choice => ({ name, weight: weight(name), load: this.#loadOf(name) }));
    return lessLoaded(choices, this.#random);
  }

  /** It had nothing, or did not answer: the owner is asked next, and tells anew. */
  missed(relname: string): void {
    this.#holders.delete(relname);
  }

  forget(ids: ReadonlySet<string>): void {
    for (const [relname] of this.#holders) {
      if (ids.has(parseRelname(relname)?.id ?? "")) this.#holders.delete(relname);
    }
  }

  /** Who is known to have it beside the owner. */
  of(relname: string): readonly string[] {
    const known = this.#holders.get(relname);
    if (known === undefined) return [];
    if (this.#clock.monotonicMs() < known.untilMs) return known.names;
    this.#holders.delete(relname);
    return [];
  }

  #loadOf(peer: string): Load | undefined {
    const heard = this.#loads.get(peer);
    if (heard === undefined) return undefined;
    if (this.#clock.monotonicMs() - heard.atMs < DEADLINES.hotLoadMs) return heard.load;
    this.#loads.delete(peer);
    return undefined;
  }
}
