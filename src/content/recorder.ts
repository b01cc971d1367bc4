/** Tells owners of the hits that this node served for them, in batches (spec §3 `@`). */

import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import type { Links } from "../mesh/link.ts";
import type { Counters } from "../observe/counters.ts";

export interface Recorder {
  /** A replica served a hit; cheap, and dropped when too many wait to be told. */
  hit(owner: string, relname: string): void;
  /** Tells at once what waits; resolves when it was told or given up. */
  flush(): Promise<void>;
  close(): void;
}

/** `start` arms the next flush and gives back how to disarm it. */
type Start = (run: () => void, waitMs: number) => () => void;

export function makeRecorder(options: {
  readonly links: Pick<Links, "tell">;
  readonly counters: Counters;
  readonly start?: Start;
}): Recorder {
  const { links, counters, start = startTimer } = options;
  let waiting = new Map<string, Map<string, number>>();
  let names = 0;
  let disarm: (() => void) | undefined;

  const flush = async (): Promise<void> => {
    disarm?.();
    disarm = undefined;
    const batches = [...waiting];
    // a cleared one leads from its former table to the next (base/turnover-map.ts)
    waiting = new Map();
    names = 0;
    await Promise.all(batches.map(([owner, hits]) => tell(owner, hits)));
  };

  const tell = async (owner: string, hits: ReadonlyMap<string, number>): Promise<void> => {
    const list = [...hits].map(([relname, count]) => ({ relname, count }));
    for (let at = 0; at < list.length; at += LIMITS.wireRecordsMax) {
      const part = list.slice(at, at + LIMITS.wireRecordsMax);
      try {
        await links.tell(owner, { kind: "record", hits: part }, { deadlineMs: DEADLINES.recordMs });
        counters.add("record_sent", part.length);
      } catch {
        // hits are a hint: an owner that is away does without them
        counters.add("record_lost", part.length);
      }
    }
  };

  return {
    hit(owner, relname) {
      const hits = waiting.get(owner) ?? new Map<string, number>();
      const count = hits.get(relname);
      if (count === undefined && names >= LIMITS.recordNamesMax) {
        counters.add("record_lost");
        return;
      }
      if (count === undefined) names++;
      hits.set(relname, (count ?? 0) + 1);
      waiting.set(owner, hits);
      disarm ??= start(() => void flush(), DEADLINES.recordFlushMs);
    },
    flush,
    close() {
      disarm?.();
      disarm = undefined;
    },
  };
}

function startTimer(run: () => void, waitMs: number): () => void {
  const timer = setTimeout(run, waitMs);
  timer.unref();
  return () => clearTimeout(timer);
}
