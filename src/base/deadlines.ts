/** Every wait of mir by name, in milliseconds; outer deadlines contain inner ones: client > edge > regional > origin. */

export const DEADLINES = {
  /** From request to the first byte of the answer, at the node the client asked. */
  requestMs: 30_000,
  /** Taken off the remaining time at each hop, so that the inner node gives up first. */
  hopMarginMs: 1_500,
  /** The least that is worth sending on. */
  hopLeastMs: 250,
  /** A body that brings no byte for this long is cut (spec §3). */
  bodyStallMs: 10_000,
  /** A body of at most `collectBytesMax` is whole within this, or somebody else is asked: 100 KB a second. */
  collectMs: 10_000,
  /** TCP connect to a peer. */
  connectMs: 2_000,
  /** A peer that could not be reached is not dialled for the first, doubled up to the second. */
  redialFirstMs: 100,
  redialLongestMs: 5_000,
  /** Hello answered on a fresh connection, either side. */
  helloMs: 5_000,
  /** A connection between nodes with no request on it is closed. */
  linkIdleMs: 60_000,
  /** A heartbeat goes out this often while an answer is being worked on. */
  heartbeatMs: 1_000,
  /** Silence on a connection with an open request. */
  linkSilenceMs: 10_000,
  /** How often each thread looks how late it is. */
  lagTickMs: 1_000,
  /** A peer that is not heard of for this long is suspect (spec §3); heartbeats go out each `heartbeatMs`. */
  peerSilenceMs: 3_000,
  /** A peer that has been suspect for this long is down. */
  peerDownMs: 10_000,
  /** A lost peer is dialled again after the first wait, doubled up to the second, each with jitter. */
  peerRetryFirstMs: 100,
  peerRetryLongestMs: 2_000,
  /** A peer that comes back from being down takes its load back evenly over this time (spec §4). */
  peerReturnMs: 10_000,
  /** What a suspect peer gets to begin its answer when no better one is there; then the level is skipped. */
  suspectAnswerMs: 1_000,
  /** How long a live owner may be slow before the next rank is asked as well (spec §4). */
  ownerFirstByteMs: 5_000,
  /** How often a body that waits looks whether its peer is still up. */
  bodyWatchMs: 500,
  /** Time to find somebody who goes on with a body that broke off; with `bodyStallMs` under `clientStallMs`. */
  bodyFailoverMs: 10_000,
  /** A frame that has begun must bring its next byte within this. */
  frameStallMs: 10_000,
  /** A peer that takes no byte of its answer for this long is cut. */
  sendStallMs: 60_000,
  /** Time for the origin to answer with its head, and to answer a HEAD or stat. */
  originHeadMs: 15_000,
  originProbeMs: 5_000,
  /** From the last byte of a PUT into the origin to its answer. */
  originStoredMs: 60_000,
  /** An upload must show its key within the first, bring its next byte within the second, be whole within the third. */
  uploadMetaMs: 10_000,
  uploadStallMs: 20_000,
  uploadMs: 600_000,
  /** A wrong key is answered after this (spec §2). */
  uploadRefusedMs: 3_000,
  /** What a refused client still sends is read and dropped for so long, so that it sees the answer. */
  uploadLingerMs: 2_000,
  /** How long the levels below are asked whether they know the id of an upload. */
  uploadLookMs: 5_000,
  /** Another node must vouch for an upload within this, and what its bytes take at the slowest pace worth waiting for. */
  uploadHandMs: 15_000,
  /** The other regions of a level get a new picture within this before it is acknowledged, or find it below later. */
  uploadSpreadMs: 5_000,
  /** An upload that could not be sent on is tried again after the first wait, doubled up to the second. */
  outboxFirstMs: 1_000,
  outboxLongestMs: 300_000,
  /** Uploads being sent on are waited for at a clean stop; what is not done by then is done after the restart. */
  outboxStopMs: 5_000,
  /** A public listener has accepted what came while the one with the next certificate was being started. */
  certifyCatchUpMs: 50,
  /** A worker has vouched for, or given up, an upload that it has kept; counted from the death of another worker. */
  loosePinsMs: 60_000,
  /** An image job once it runs, and the wait in the queue before it. */
  imageJobMs: 10_000,
  /** What `[limits] job_ms` may be raised to: longer than people wait, for what is made later. */
  imageJobLongestMs: 60_000,
  imageQueueMs: 15_000,
  /** With something to send instead, a picture is waited for this long, and until the second before the request's end. */
  standInMs: 4_000,
  imageStandInMarginMs: 1_500,
  /** What is made later waits in its queue for this long; when it had no turn the next try comes after the second. */
  imageLaterMs: 60_000,
  imageLaterRestMs: 1_000,
  /** The service of `thumbnail_endpoint` has answered whole; then an image worker looks at what it sent. */
  delegateMs: 8_000,
  delegateLookMs: 3_000,
  /** The least and the most that who is sent away is told to wait. */
  imageRetryLeastMs: 250,
  imageRetryMostMs: 30_000,
  /** How often the memory of busy image workers is looked at. */
  imageMemoryMs: 500,
  /** What killed two image workers, or outlasted one, is refused for this long. */
  imageRefusedMs: 60_000,
  /** Image workers that do not start are tried again after the first wait, doubled up to the second. */
  imageStartFirstMs: 100,
  imageStartLongestMs: 30_000,
  /** The resolver API. */
  resolverMs: 3_000,
  /** How long refusals are remembered (spec §5). */
  negativeWebIdMs: 10_000,
  negativeOriginMs: 10_000,
  negativeUndecodableMs: 60_000,
  /** A known path is asked again after this; the stale answer is served while the API is down. */
  pathFreshMs: 300_000,
  /** A waiter on a flight looks again at least this often (spikes B: long waitAsync time-outs leak). */
  flightTickMs: 500,
  /** After which it is looked whether the client of a request to a peer is still there: most are answered before. */
  goneLookMs: 20,
  /**
   * A client connection without a byte either way for this long is closed: over `requestMs`, so that a slow
   * level below gets its time, and over the 60 s for which nginx keeps upstream connections by default.
   */
  clientIdleMs: 68_000,
  /** The same while a body is passed on that holds a peer's connection or a flight; over `bodyStallMs`. */
  clientStallMs: 28_000,
  /** A node that is told of a purge has dropped what it had, and a node that passes it on has its answer. */
  purgeTellMs: 5_000,
  purgeRelayMs: 8_000,
  /** All nodes have been told of a purge, or are told to the operator as not reached. */
  purgeReachMs: 30_000,
  /** At its start a node asks others for so long what was purged while it was away. */
  purgeCatchUpMs: 3_000,
  /** Between two times that a node asks others what it has missed. */
  purgeAskMs: 60_000,
  /** `/readyz` says 503 for this long before listeners close (spec §8). */
  drainGraceMs: 5_000,
  /** In-flight requests get this long after that: over `requestMs`, so that each can at least fail properly. */
  drainFinishMs: 35_000,
  /** Main waits this long for its worker threads to say that they have finished. */
  drainThreadsMs: 40_000,
  /** From the end of the grace to the end of the process; whatever still hangs then, a start can do without. */
  drainLongestMs: 60_000,
  /** With nothing in flight for this long, a connection that is still there has asked nothing: it is cut. */
  drainQuietMs: 1_000,
  /** How often that is looked at. */
  drainTickMs: 100,
  /** A writer of the cache index gives up its turn after this when the work may be left undone. */
  cacheLockMs: 50,
  /** A start reads the index for so long before it serves; the rest of a large one comes while it does. */
  indexLoadMs: 1_000,
  /** Originals without a record that nobody below could confirm are asked for again after this. */
  readmitPauseMs: 60_000,
  /** Between two walks of the scrub over the whole cache. */
  scrubPauseMs: 60_000,
  /** Main mends the index within this after a thread died holding its lock. */
  cacheRepairMs: 10_000,
  /** Worker threads say within this that they follow a new topology. */
  followMs: 5_000,
  /** A worker thread or image worker must say it is ready within this. */
  startMs: 20_000,
  /** `mir ready` takes no answer within this for no; a health check waits longer than that. */
  readyAnswerMs: 3_000,
  /** A dead worker is started again after the first wait, doubled up to the second while it keeps dying. */
  workerRestartFirstMs: 100,
  workerRestartLongestMs: 10_000,
  /** A worker that has served for this long is not one that keeps dying. */
  workerSettledMs: 60_000,
  /** A worker shows this often that its event loop turns, and main looks at it this often. */
  workerBeatMs: 500,
  /** An event loop that has not turned for the first is told as stalled; after the second only a restart of the node helps. */
  workerStallMs: 3_000,
  workerLostMs: 30_000,
  /** The service manager is told a change of the state within this. */
  serviceTellMs: 5_000,
  /** What was started of a node that cannot start is waited for so long. */
  startUndoMs: 2_000,
  /** An event that requests cause is logged once in this time. */
  logRepeatMs: 10_000,
  /** Between two looks at the length of the journal. */
  tidyMs: 60_000,
  /** Another server of the level says within this whether it has a variant on disk. */
  probeMs: 500,
  /** Moving a variant to its owner, beside the time its bytes take. */
  rebalanceTellMs: 30_000,
  /** An owner that could not be told is left alone for this long. */
  rebalanceRestMs: 5_000,
  /** After a pass that could not move everything the next one begins: the first wait, doubled up to the second. */
  rebalanceAgainFirstMs: 2_000,
  rebalanceAgainMs: 60_000,
  /** Between two writes of how far a rebalance is. */
  rebalanceSaveMs: 1_000,
  /** Main looks at least this often whether the cache runs low on room; it is called when it does. */
  lowWaterMs: 500,
  /** Between two looks at what the file system of the cache has room for. */
  diskLookMs: 2_000,
  /** Within which a disk answers a small read and write; how long one stays out of use that could not be read. */
  diskProbeMs: 5_000,
  diskRestMs: 30_000,
  /** Hits served for an owner wait this long to be told with others, and telling may take this long. */
  recordFlushMs: 1_000,
  recordMs: 2_000,
  /** Workers report what they were asked for this often, and main looks at it this often. */
  hotReportMs: 500,
  hotTickMs: 1_000,
  /** How long an asker goes by what an owner said of copies, and by what a server said of its load. */
  hotKnownMs: 10_000,
  hotLoadMs: 10_000,
  /** A server with a copy begins its answer within this, or the owner is asked. */
  replicaAnswerMs: 2_000,
  /** The least that a copy may go unasked before it is dropped, and its owner no longer counts on it. */
  replicaIdleLeastMs: 2_000,
  /** A server that could not take a copy is left alone with it for this long. */
  warmRestMs: 30_000,
  /** While somebody looks at the mesh, its nodes are asked for their `/status` this often; each has so long to answer. */
  meshTickMs: 1_000,
  meshAskMs: 2_000,
  /** While somebody follows the mesh, a change of a peer's state is told within this, without waiting for the second. */
  meshStateMs: 200,
  /** Who looks first waits this long for what they say; after the second without a look nobody is asked any more. */
  meshFirstMs: 1_500,
  meshLookMs: 5_000,
  /** Another node has answered with a small picture for the dashboard. */
  pictureMs: 1_000,
  /** A client of `/events` comes back after the first; it is cut when it takes nothing for the second. */
  eventRetryMs: 1_000,
  eventStallMs: 20_000,
  /** When a node stops, streams of events have ended within this. */
  eventEndMs: 1_000,
  /** Between two looks at the counters, for rates of late. */
  rateTickMs: 1_000,
  /** Other nodes, and this one's threads, say within this what they have of an id, for people who look. */
  whyAskMs: 2_000,
  whyThreadMs: 1_000,
  /** One Warm told by hand, from the message to the acknowledgement. */
  warmMs: 30_000,
} as const;

type Deadline = keyof typeof DEADLINES;

/**
 * Which wait must be over before which: when the inner one ends, the outer one still has time to say so. A
 * request's own time shrinks by `hopMarginMs` at each hop, so that it nests by itself.
 */
export const CONTAINED: readonly { readonly inner: Deadline; readonly outer: Deadline }[] = [
  { inner: "requestMs", outer: "clientIdleMs" },
  { inner: "requestMs", outer: "drainFinishMs" },
  { inner: "drainFinishMs", outer: "drainThreadsMs" },
  { inner: "drainThreadsMs", outer: "drainLongestMs" },
  { inner: "drainQuietMs", outer: "drainFinishMs" },
  { inner: "drainTickMs", outer: "drainQuietMs" },
  { inner: "outboxStopMs", outer: "drainLongestMs" },
  { inner: "bodyStallMs", outer: "clientStallMs" },
  { inner: "clientStallMs", outer: "sendStallMs" },
  { inner: "hopMarginMs", outer: "requestMs" },
  { inner: "connectMs", outer: "requestMs" },
  { inner: "helloMs", outer: "requestMs" },
  { inner: "heartbeatMs", outer: "linkSilenceMs" },
  { inner: "linkSilenceMs", outer: "requestMs" },
  { inner: "flightTickMs", outer: "bodyStallMs" },
  { inner: "originHeadMs", outer: "requestMs" },
  { inner: "originProbeMs", outer: "originHeadMs" },
  { inner: "collectMs", outer: "requestMs" },
  { inner: "imageJobMs", outer: "requestMs" },
  { inner: "delegateMs", outer: "imageQueueMs" },
  { inner: "delegateLookMs", outer: "delegateMs" },
  { inner: "imageQueueMs", outer: "requestMs" },
  // an owner that is waiting for an image worker answers before the next rank is asked as well
  { inner: "standInMs", outer: "ownerFirstByteMs" },
  { inner: "imageStandInMarginMs", outer: "requestMs" },
  { inner: "flightTickMs", outer: "imageStandInMarginMs" },
  { inner: "resolverMs", outer: "requestMs" },
  { inner: "workerBeatMs", outer: "workerStallMs" },
  { inner: "workerStallMs", outer: "workerLostMs" },
  { inner: "meshFirstMs", outer: "meshAskMs" },
  { inner: "meshAskMs", outer: "meshLookMs" },
  { inner: "meshTickMs", outer: "eventStallMs" },
  { inner: "meshStateMs", outer: "meshTickMs" },
];
