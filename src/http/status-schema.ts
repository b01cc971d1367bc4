/** The `/status` of another node, which may be of another version: parsed before it goes any further. */

import * as v from "valibot";
import { COUNTER_NAMES, type CounterName } from "../observe/counters.ts";
import { LATENCY_OUTCOMES } from "../observe/histogram.ts";
import { NO_RECENT_RATES } from "../observe/recent-rates.ts";
import type { StatusDocument } from "./status-document.ts";

const text = v.string();
const figure = v.number();
/** What versions before it did not tell. */
const laterFigure = v.optional(figure, 0);
const maybe = v.optional(figure);

const counters = v.object(
  Object.fromEntries(COUNTER_NAMES.map((name) => [name, laterFigure])) as Record<
    CounterName,
    typeof laterFigure
  >,
);

const peer = v.object({
  name: text,
  state: v.picklist(["up", "suspect", "down"]),
  rttMs: v.nullable(figure),
  lastSeen: v.nullable(figure),
  answers: laterFigure,
  bodyBytes: laterFigure,
});

const disk = v.object({
  dir: text,
  state: v.picklist(["well", "unwritable", "failed"]),
  variants: figure,
  bytes: figure,
  capacityBytes: figure,
});

const hotItem = v.object({
  id: text,
  owner: text,
  score: figure,
  rate: figure,
  degree: figure,
  holders: v.array(text),
});

const rebalance = v.pipe(
  v.object({
    state: v.picklist(["idle", "counting", "moving", "waiting"]),
    since: figure,
    settled: v.boolean(),
    moved: figure,
    movedBytes: figure,
    left: figure,
    leftBytes: figure,
    failed: figure,
    fault: v.optional(text),
    passes: figure,
  }),
  v.transform((status) => ({ ...status, fault: status.fault })),
);

/** Fields that are not known here are left out. */
const STATUS: v.GenericSchema<unknown, StatusDocument> = v.object({
  server: text,
  level: figure,
  version: text,
  uptimeSeconds: figure,
  epoch: text,
  classes: v.optional(text),
  draining: v.optional(v.boolean(), false),
  workers: v.array(
    v.object({
      ...{ worker: figure, state: text },
      ...{ restarts: maybe, inARow: maybe, awayMs: maybe, nextTryMs: maybe },
    }),
  ),
  peers: v.array(peer),
  cache: v.object({
    variants: figure,
    bytes: figure,
    pinnedBytes: laterFigure,
    reservedBytes: laterFigure,
    capacityBytes: figure,
    limitBytes: laterFigure,
    disks: v.array(disk),
  }),
  ram: v.optional(v.object({ bytes: figure, roomBytes: figure }), { bytes: 0, roomBytes: 0 }),
  residentBytes: laterFigure,
  images: v.object({
    ...{ workers: figure, busy: figure, queued: figure, later: figure },
    ...{ inARow: maybe, nextTryMs: maybe },
  }),
  outbox: v.object({ pending: figure, aside: figure }),
  origins: v.array(
    v.object({
      origin: text,
      what: v.picklist(["probe", "body", "put"]),
      leftAlone: v.boolean(),
      waitMs: figure,
    }),
  ),
  rebalance,
  hot: v.object({
    threshold: figure,
    requestsPerMinute: figure,
    items: v.array(hotItem),
    tracked: figure,
    copies: figure,
    replicas: v.object({ count: figure, bytes: figure, roomBytes: figure }),
  }),
  counters,
  latencies: v.optional(
    v.object({
      boundsSeconds: v.array(figure),
      outcomes: v.array(
        v.object({
          outcome: v.picklist(LATENCY_OUTCOMES),
          counts: v.array(figure),
          seconds: figure,
        }),
      ),
    }),
    { boundsSeconds: [], outcomes: [] },
  ),
  rates: v.optional(
    v.object({
      seconds: figure,
      requests: figure,
      peerRequests: figure,
      hitRatio: v.nullable(figure),
      bytesIn: figure,
      bytesOut: figure,
    }),
    NO_RECENT_RATES,
  ),
});

/** The document, or where it is not what it should be. */
export function parseStatus(
  json: unknown,
):
  | { readonly kind: "status"; readonly status: StatusDocument }
  | { readonly kind: "wrong"; readonly at: string } {
  const parsed = v.safeParse(STATUS, json);
  if (parsed.success) return { kind: "status", status: parsed.output };
  const [issue] = parsed.issues;
  return { kind: "wrong", at: v.getDotPath(issue) ?? "its top" };
}
