/** Has copies made at other servers (`-`), a few at once, and leaves alone who could not take one. */

import { DEADLINES } from "../../base/deadlines.ts";
import { asFault } from "../../base/fault.ts";
import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";
import type { Parts } from "../parts.ts";

/** A variant that a server should have a copy of. */
export interface Copying {
  readonly relname: string;
  readonly server: string;
}

type WarmerParts = Pick<Parts, "self" | "links" | "health" | "counters" | "log" | "clock">;

export class Warmer {
  readonly #parts: WarmerParts;
  readonly #done: (relname: string, server: string) => void;
  readonly #running = new Set<string>();
  /** Until when a server is not told again of a variant. */
  readonly #resting = new TurnoverMap<string, number>();
  #planned: Copying[] = [];
  #stopped = false;

  /** `done` hears of each copy that was acknowledged. */
  constructor(parts: WarmerParts, done: (relname: string, server: string) => void) {
    this.#parts = parts;
    this.#done = done;
  }

  /** What should be copied now, the most urgent first, in place of what was planned before and not begun. */
  plan(wanted: readonly Copying[]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [key, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(key);
    this.#planned = wanted
      .filter((one) => !this.#running.has(keyOf(one)) && !this.#resting.has(keyOf(one)))
      .filter(({ server }) => this.#parts.health.state(server) === "up")
      .slice(0, LIMITS.warmNamesMax)
      .reverse();
    this.#goOn();
  }

  rest(relname: string, server: string, waitMs: number): void {
    if (this.#resting.size >= LIMITS.hotCopiesMax) return;
    this.#resting.set(keyOf({ relname, server }), this.#parts.clock.monotonicMs() + waitMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#planned = [];
  }

  #goOn(): void {
    while (!this.#stopped && this.#running.size < LIMITS.warmAtOnceMax) {
      const next = this.#planned.pop();
      if (next === undefined) return;
      const key = keyOf(next);
      this.#running.add(key);
      void this.#copy(next).finally(() => {
        this.#running.delete(key);
        this.#goOn();
      });
    }
  }

  async #copy({ relname, server }: Copying): Promise<void> {
    const { links, counters, log, self } = this.#parts;
    counters.add("warm_sent");
    try {
      const message = { kind: "warm", relname, owner: self.name } as const;
      const { note } = await links.tell(server, message, { deadlineMs: DEADLINES.warmMs });
      if (note === "stored" || note === "already") this.#done(relname, server);
      else this.#refused({ relname, server });
    } catch (error) {
      this.#refused({ relname, server });
      log.debug("hot.not_copied", { relname, server, fault: asFault(error) });
    }
  }

  #refused({ relname, server }: Copying): void {
    this.#parts.counters.add("warm_refused");
    this.rest(relname, server, DEADLINES.warmRestMs);
  }
}

function keyOf({ relname, server }: Copying): string {
  return `${server} ${relname}`;
}
