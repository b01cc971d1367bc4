/** What one worker was asked for, gathered for the node's hot-item tracker on the main thread. */

import { LIMITS } from "../../base/limits.ts";
import type { Load } from "./load.ts";

/** What a worker tells main, every DEADLINES.hotReportMs while there is something to tell. */
export interface HeatReport {
  /** Accesses by relname. */
  readonly asked: readonly (readonly [relname: string, count: number])[];
  /** Copies whose hits other servers told: they are there. */
  readonly alive: readonly (readonly [relname: string, peer: string])[];
  /** Loads of other servers, as they told them. */
  readonly loads: readonly (readonly [peer: string, load: Load])[];
}

/** Two maps, bounded: what is hot is asked for again in the next interval, so what does not fit may be lost. */
export class Demand {
  #asked = new Map<string, number>();
  #alive = new Map<string, readonly [relname: string, peer: string]>();

  get empty(): boolean {
    return this.#asked.size === 0;
  }

  add(relname: string, count: number): void {
    const before = this.#asked.get(relname);
    if (before === undefined && this.#asked.size >= LIMITS.hotNamesMax) return;
    this.#asked.set(relname, (before ?? 0) + count);
  }

  alive(relname: string, peer: string): void {
    if (this.#alive.size < LIMITS.hotNamesMax) {
      this.#alive.set(`${peer} ${relname}`, [relname, peer]);
    }
  }

  /** All of it, which is forgotten here; of many names those that were asked for most. */
  take(): Omit<HeatReport, "loads"> {
    const asked = [...this.#asked];
    const alive = [...this.#alive.values()];
    this.#asked = new Map();
    this.#alive = new Map();
    if (asked.length <= LIMITS.hotReportMax) return { asked, alive };
    asked.sort((a, b) => b[1] - a[1]);
    return { asked: asked.slice(0, LIMITS.hotReportMax), alive };
  }
}
