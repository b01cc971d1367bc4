/** What an owner remembers of the copies it had made: which server has which variant, acknowledged and heard of since. */

import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";

/** On the main thread; workers are told of it. About 60 bytes a copy. */
export class Copies {
  /** By relname and server: when it was last known to be there. */
  readonly #heard = new TurnoverMap<string, Map<string, number>>();
  #count = 0;
  #changes = 0;

  get count(): number {
    return this.#count;
  }

  /** Grows whenever another server has a copy, or one has it no more. */
  get changes(): number {
    return this.#changes;
  }

  has(relname: string, server: string): boolean {
    return this.#heard.get(relname)?.has(server) === true;
  }

  of(relname: string): readonly string[] {
    return [...(this.#heard.get(relname)?.keys() ?? [])];
  }

  /** Acknowledged; not remembered, and so not asked, when too many are. */
  add(relname: string, server: string, nowMs: number): void {
    const servers = this.#heard.get(relname) ?? new Map<string, number>();
    if (!servers.has(server)) {
      if (this.#count >= LIMITS.hotCopiesMax) return;
      this.#count++;
      this.#changes++;
    }
    servers.set(server, nowMs);
    this.#heard.set(relname, servers);
  }

  /** It told of hits. */
  hear(relname: string, server: string, nowMs: number): void {
    if (this.has(relname, server)) this.#heard.get(relname)?.set(server, nowMs);
  }

  /** Forgets those that were last heard of before, and gives them out. */
  expire(beforeMs: number): readonly { readonly relname: string; readonly server: string }[] {
    const gone = [...this.#heard].flatMap(([relname, servers]) =>
      [...servers].flatMap(([server, ms]) => (ms < beforeMs ? [{ relname, server }] : [])),
    );
    for (const { relname, server } of gone) this.#drop(relname, server);
    return gone;
  }

  forget(relname: string): void {
    for (const server of this.of(relname)) this.#drop(relname, server);
  }

  /** All of it. */
  table(): readonly (readonly [relname: string, servers: readonly string[]])[] {
    return [...this.#heard].map(([relname, servers]) => [relname, [...servers.keys()]]);
  }

  #drop(relname: string, server: string): void {
    const servers = this.#heard.get(relname);
    if (servers?.delete(server) !== true) return;
    this.#count--;
    this.#changes++;
    if (servers.size === 0) this.#heard.delete(relname);
  }
}
