/** What came into the cache of late, by whom and in what time: a short memory of one thread, for `mir why`. */

import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";
import { parseRelname, type VariantMeta } from "../../base/variant.ts";
import type { FlightHead, Lead } from "../flight.ts";

export interface FillRecord {
  readonly relname: string;
  readonly bytes: number;
  /** As `Cache-Status` tells it, or `upload`. */
  readonly source: string;
  /** The server or the store that it came from; undefined: nobody else had part in it. */
  readonly from: string | undefined;
  /** The relname that it was made of. */
  readonly madeOf: string | undefined;
  /** Unix seconds at which it was whole. */
  readonly at: number;
  /** Milliseconds from the first request for it to the answer of its source; undefined: it was made here. */
  readonly firstMs: number | undefined;
  /** To its last byte. */
  readonly totalMs: number;
  /** Of them, waiting for an image worker and at work in it. */
  readonly queueMs: number | undefined;
  readonly workMs: number | undefined;
  /** Whether it was kept. */
  readonly stored: boolean;
}

export interface Fills {
  /** A load begins. */
  begin(): FillStory;
  uploaded(meta: VariantMeta): void;
  /** Of one id, the last one first. */
  of(id: string): readonly FillRecord[];
}

/** Written along with one load. */
export interface FillStory {
  /** Who has answered; the last one said counts. */
  from(name: string): void;
  made(image: {
    readonly of: string;
    readonly tookMs: number;
    readonly queueMs: number | undefined;
  }): void;
  /** The same lead, which now tells when the source has answered, and when all is here. */
  watch(lead: Lead): Lead;
}

/** The oldest go first: a map by relname holds the last fill of each. */
export function makeFills(clock: Clock, kept: number = LIMITS.fillsKept): Fills {
  const last = new TurnoverMap<string, FillRecord>();

  const keep = (record: FillRecord): void => {
    last.delete(record.relname);
    if (last.size >= kept) last.deleteFirst();
    last.set(record.relname, record);
  };

  return {
    begin: () => beginStory(clock, keep),
    uploaded({ relname, bytes }) {
      const unknown = { from: undefined, madeOf: undefined, queueMs: undefined, workMs: undefined };
      const times = { at: clock.wallSeconds(), firstMs: undefined, totalMs: 0 };
      keep({ relname, bytes, source: "upload", ...unknown, ...times, stored: true });
    },
    of: (id) =>
      [...last.values()].filter(({ relname }) => parseRelname(relname)?.id === id).reverse(),
  };
}

function beginStory(clock: Clock, keep: (record: FillRecord) => void): FillStory {
  const startMs = clock.monotonicMs();
  const sinceStart = (): number => rounded(clock.monotonicMs() - startMs);
  let from: string | undefined;
  let firstMs: number | undefined;
  let image: Parameters<FillStory["made"]>[0] | undefined;

  const end = ({ meta, source, stored }: FlightHead): void => {
    // it was here already when the load began
    if (source === "hit") return;
    const { relname, bytes } = meta;
    keep({
      ...{ relname, bytes, source, from, firstMs, stored },
      madeOf: image?.of,
      at: clock.wallSeconds(),
      totalMs: sinceStart(),
      queueMs: image?.queueMs === undefined ? undefined : rounded(image.queueMs),
      workMs: image?.queueMs === undefined ? undefined : rounded(image.tookMs - image.queueMs),
    });
  };

  return {
    from(name) {
      from = name;
    },
    made(told) {
      image = told;
    },
    watch: (lead) => ({
      ...lead,
      begin(head) {
        firstMs = sinceStart();
        lead.begin(head);
      },
      done(head) {
        end(head);
        lead.done(head);
      },
    }),
  };
}

function rounded(ms: number): number {
  return Math.max(0, Math.round(ms * 10) / 10);
}
