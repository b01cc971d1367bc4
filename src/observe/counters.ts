/** Every counter once: its name, its meaning, and what to do about it; `/status`, `/metrics` and the docs read this list. */

import type { MetricKind } from "./metric.ts";

/** Names without prefix and suffix; in `/metrics` each is `mir_{name}_total` (spec §11). */
export const COUNTERS = {
  http_requests: { help: "Requests answered on public listeners", action: "none" },
  http_2xx: { help: "Answers on public listeners with status 200 to 299", action: "none" },
  http_3xx: { help: "Answers with status 300 to 399: not modified, or sent on", action: "none" },
  http_4xx: {
    help: "Answers with status 400 to 499: the request was at fault",
    action: "many: the access log tells which",
  },
  http_5xx: {
    help: "Answers with status 500 to 599: this node, or one below, was at fault",
    action: "see the log, and shed",
  },
  http_slow: {
    help: "Answers that took log.slow_ms or longer to begin; uploads are not among them",
    action: "the slow-request log tells what they waited for",
  },
  http_bytes: {
    help: "Body bytes promised to public clients; one that leaves early has taken fewer",
    action: "none",
    unit: "bytes",
  },
  lru_hit: {
    help: "Variants found in the local cache",
    action: "falls when the cache is too small",
  },
  lru_miss: { help: "Variants not found in the local cache", action: "see lru_hit" },
  ram_hit: {
    help: "Hits answered from memory; a part of lru_hit",
    action: "few of many hits: raise ram",
  },
  ram_kept: { help: "Answers taken into memory", action: "near ram_hit: raise ram" },
  ram_dropped: {
    help: "Answers let go from memory: for room, or because they were evicted or purged",
    action: "none",
  },
  path_cache_hit: { help: "Web ids resolved from memory", action: "none" },
  path_cache_miss: { help: "Web ids that had to be asked for", action: "many: raise path cache" },
  cross_peer_stream: {
    help: "Answers streamed from a peer of the same level",
    action: "many for one id: hot content",
  },
  redirected: {
    help: "Clients sent on to the owner with 307",
    action: "none; see routing.peer_mode",
  },
  origin_get: {
    help: "Original bodies read from the origin",
    action: "each costs money; should be near distinct originals",
  },
  origin_bytes: {
    help: "Bytes of originals read from the origin",
    action: "see origin_get",
    unit: "bytes",
  },
  origin_probe: {
    help: "Names tried at the origin by HEAD or stat",
    action: "let the resolver give the ext",
  },
  origin_error: {
    help: "Origin answers that were neither a body nor not-found",
    action: "look at the store",
  },
  origin_refused: {
    help: "Times the origin was not asked, because it keeps failing or is asked too much already",
    action: "see origin_left_alone; look at the store",
  },
  origin_put: {
    help: "Originals stored in the origin",
    action: "each costs money; should be near uploads",
  },
  upload: { help: "Uploads acknowledged to clients", action: "none" },
  upload_bytes: {
    help: "Bytes of uploads kept here, from clients or other nodes",
    action: "none",
    unit: "bytes",
  },
  upload_refused: {
    help: "Uploads refused for what they are or lack, wrong keys too",
    action: "many: see who uploads, and with which key",
  },
  upload_kept: { help: "Uploads taken into custody, from clients or other nodes", action: "none" },
  outbox_sent: { help: "Uploads handed on, or into the origin", action: "none" },
  outbox_retry: {
    help: "Tries to hand an upload on that failed and will be repeated",
    action: "see the log; look at the next level or the store",
  },
  outbox_set_aside: {
    help: "Uploads that cannot be handed on and were set aside with their file",
    action: "see the log: the store holds other bytes under that id",
  },
  upstream_fetch: { help: "Variants asked of the next level", action: "none" },
  nearby_source: {
    help: "Variants had from a peer of the lowest level, or made of what it had, where the original would have been read",
    action: "none",
  },
  generated: { help: "Variants made by the image workers", action: "none" },
  image_failed: { help: "Image jobs that ended in a fault", action: "see the log for ids" },
  delegated: {
    help: "Variants made by the service of thumbnail_endpoint",
    action: "none",
  },
  delegate_failed: {
    help: "Calls to that service that failed or brought something wrong; image workers did it",
    action: "look at the service; see the log for reasons",
  },
  image_poisoned: {
    help: "Pictures that killed two image workers and are refused for a while",
    action: "see the log for ids; look at the originals",
  },
  image_refused: {
    help: "Image jobs refused because their picture, or they, had just done harm",
    action: "see image_poisoned",
  },
  image_left: {
    help: "Image jobs that left the queue because nobody waited for them any more",
    action: "many: people give up; add image workers",
  },
  image_batched: {
    help: "Variants made from a picture that was decoded for another one anyway",
    action: "none",
  },
  stand_in: {
    help: "Times a larger variant was sent for want of an image worker",
    action: "add image workers",
  },
  made_later: { help: "Variants made afterwards in whose place another was sent", action: "none" },
  later_dropped: {
    help: "Variants that were not made afterwards: too many waited, or making them failed",
    action: "none: they are made when they are asked for",
  },
  shed: { help: "Requests refused with 503 for load", action: "add capacity" },
  flight_joined: { help: "Requests that joined a load under way", action: "none" },
  uncached: { help: "Answers that could not be kept for want of room", action: "raise capacity" },
  cache_write_failed: {
    help: "Writes to the cache directory that failed; the answers were served without being kept",
    action: "see the log; look at the disk, its room and who owns cache_dir",
  },
  cache_read_failed: {
    help: "Cached files that could not be read for another reason than that they were gone; fetched again",
    action: "look at the disk: it may be failing",
  },
  cache_disk_failed: {
    help: "Times a directory of the cache was found out of order",
    action: "see /status for which, and the log for why; look at the disk",
  },
  evicted: { help: "Variants evicted for room", action: "none" },
  expired: { help: "Variants dropped because nobody asked for them", action: "see expire_unused" },
  corrupt: { help: "Cached files found damaged and dropped", action: "check the disk" },
  body_cut: {
    help: "Bodies whose source broke off; the client saw a reset",
    action: "look at the level below",
  },
  peer_request: { help: "Requests answered for peers", action: "none" },
  peer_bytes: {
    help: "Body bytes promised to other nodes; one that leaves early has taken fewer",
    action: "none",
    unit: "bytes",
  },
  peer_error: {
    help: "Requests to peers that failed on the connection",
    action: "look at the peer",
  },
  peer_failover: {
    help: "Requests answered without their owner, and bodies continued by another node",
    action: "look at the owner",
  },
  peer_hedge: {
    help: "Second requests, sent because an owner was slow to begin",
    action: "look at the owner; see owner_first_byte_ms",
  },
  peer_refused: {
    help: "Connections from peers closed for breaking the protocol",
    action: "see the log for the reason",
  },
  auth_refused: {
    help: "Connections between nodes closed because one could not prove that it may speak",
    action: "see the log for who; give all nodes the same MIR_CONTROL_KEY",
  },
  purged: { help: "Variants dropped because their id was purged", action: "none" },
  shape_mismatch: {
    help: "Answers and variants of peers passed over because their size means something else here",
    action: "sizes of the topology differ between nodes: finish the rolling restart",
  },
  purged_elsewhere: {
    help: "Answers of peers passed over because they are from before a purge",
    action: "look at why that peer cannot be reached by others",
  },
  peer_told: { help: "Messages from peers acted on: content, warms, hits, purges", action: "none" },
  peer_dropped: {
    help: "Messages from peers that this node reads and does not act on",
    action: "none",
  },
  epoch_mismatch: {
    help: "Peer requests with another topology epoch",
    action: "finish the roll-out of the topology",
  },
  rebalance_probe: {
    help: "Misses for which other servers of the level were asked after a change of topology",
    action: "none; see routing.rebalance_window",
  },
  rebalance_found: { help: "Those that another server had on disk", action: "none" },
  rebalance_moved: { help: "Variants moved to the server that owns them now", action: "none" },
  rebalance_kept: { help: "Variants taken over from the server that owned them", action: "none" },
  warm_sent: { help: "Variants peers were told to fetch and keep", action: "none" },
  warm_stored: { help: "Variants fetched and kept because a peer said so", action: "none" },
  warm_refused: {
    help: "Variants peers were told to fetch and could not keep",
    action: "many: raise hot.replica_share, or capacity; see the log of the peers",
  },
  replica_ask: {
    help: "Requests sent to a peer that has a copy, not to the owner",
    action: "none",
  },
  replica_ask_missed: {
    help: "Those that went on to the owner because the copy was gone or slow to come",
    action: "many: copies are evicted early; raise capacity",
  },
  replica_dropped: {
    help: "Copies dropped because nobody asked for them any more",
    action: "none",
  },
  record_sent: { help: "Variants whose hits were told to their owner", action: "none" },
  record_lost: { help: "Variants whose hits could not be told", action: "look at the owner" },
  replica_hit: { help: "Hits that replicas reported to this owner", action: "none" },
  resolver_request: { help: "Calls to the content resolution API", action: "none" },
  resolver_error: { help: "Failed calls to the content resolution API", action: "look at the API" },
  reload: { help: "Changed topologies applied while running", action: "none" },
  reload_refused: {
    help: "Changed topologies that were not applied, not even in part",
    action: "see the log for why; mend the file or restart the node",
  },
  worker_restart: { help: "Worker threads started again after they died", action: "report a bug" },
  worker_stall: {
    help: "Times the event loop of a worker thread stood still for seconds",
    action: "look at the disks, which may hang, and at the load; else report a bug with the log",
  },
  main_stall: {
    help: "Times the main thread, or the whole process, stood still for seconds",
    action: "see worker_stall; a machine that was suspended counts too",
  },
  image_worker_restart: {
    help: "Image workers replaced after a crash or time-out",
    action: "see the log for ids",
  },
} as const satisfies Record<string, MetricKind>;

export type CounterName = keyof typeof COUNTERS;

export const COUNTER_NAMES = Object.keys(COUNTERS) as CounterName[];

/** The same with what is said of it. */
export function counterKind(name: CounterName): MetricKind {
  return COUNTERS[name];
}

/** The counting side: one row a thread, written by that thread alone, so that adding needs no atomics. */
export interface Counters {
  add(name: CounterName, amount?: number): void;
}

const WORDS_PER_ROW = Math.ceil(COUNTER_NAMES.length / 8) * 8;
const POSITION = new Map(COUNTER_NAMES.map((name, i) => [name, i]));

/** Shared memory for `rows` threads, whole cache lines a row. */
export function createCounterMemory(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * WORDS_PER_ROW * 8);
}

/** Row 0 is main's, row 1 + n belongs to worker n. */
export function openCounters(memory: SharedArrayBuffer, row: number): Counters {
  const words = new Float64Array(memory, row * WORDS_PER_ROW * 8, WORDS_PER_ROW);
  return {
    add(name, amount = 1) {
      const at = POSITION.get(name) ?? 0;
      words[at] = (words[at] ?? 0) + amount;
    },
  };
}

/** Sums over all threads; each word may lag by the additions under way. */
export function readCounters(memory: SharedArrayBuffer): Record<CounterName, number> {
  const words = new Float64Array(memory);
  const sums = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as Record<
    CounterName,
    number
  >;
  for (let row = 0; row < words.length; row += WORDS_PER_ROW) {
    COUNTER_NAMES.forEach((name, i) => {
      sums[name] += words[row + i] ?? 0;
    });
  }
  return sums;
}
