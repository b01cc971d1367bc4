/** Every maximum of mir by name: nothing that comes from outside may grow past one of these. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const LIMITS = {
  /** Characters of a web id (spec §2). */
  webIdCharsMax: 128,
  /** Characters of a content id (spec §3). */
  contentIdCharsMin: 6,
  contentIdCharsMax: 96,
  /** Characters of a request target that we look at; Bun's own parser ends at 16 KiB. */
  urlCharsMax: 2048,
  /** Characters of an `Accept` header that are looked at, and media ranges in it. */
  acceptCharsMax: 2048,
  acceptRangesMax: 64,
  /** Screen pixels for each of the page that a client hint may ask for. */
  hintDprMax: 4,
  /** `Accept` headers whose meaning one worker remembers, and characters of one. */
  acceptMemoMax: 256,
  acceptMemoCharsMax: 256,
  /** Characters of `Cache-Status` members taken over from the nodes behind this one. */
  cacheStatusCharsMax: 1024,
  /** Variants whose success headers are kept ready in one worker: about 1.5 KB each. */
  headerMemoMax: 2048,
  /** Hits on disk whose URLs one worker need not read again, and characters of one such URL: about 1 KB each. */
  notedHitsMax: 4096,
  notedKeyCharsMax: 512,
  /** Bodies this large are not held in the RAM tier: from here on sendfile is cheaper (spikes D). */
  ramBodyBytesMax: 1 * MiB,
  /** What an answer in the RAM tier takes beside its body and its key: headers, objects, map slots (measured: 3.3 KB). */
  ramAnswerBytes: 4 * KiB,
  /** Pixels a side of a `WxH` box in a URL (spec §2). */
  boxSideMax: 8192,
  /** Pixels a side that a stored picture may have; slots keep sides in 16 bits. */
  pictureSideMax: 65_535,

  /** Bytes of JSON in front of a wire message (`= & ! ? ~ .`); the header field is 3 bytes wide. */
  wireJsonBytesMax: 64 * KiB,
  /** Bytes of content in one Save, Rebalance or reply: the largest original (spec §6). */
  wireBodyBytesMax: 5 * GiB,
  /** Bytes of a relname on the wire (`+`, `-`): 2+1+2+1+2+1+size+1+id+1+ext, rounded up. */
  wireRelnameBytesMax: 256,
  /** Bytes of a hit record (`@`), and relnames in it: all of the longest fit. */
  wireRecordBytesMax: 64 * KiB,
  wireRecordsMax: 256,
  /** Bytes of a warm (`-`): a relname, or JSON with the owner's name. */
  wireWarmBytesMax: 1 * KiB,
  /** Ids in one purge (`x`): all of the longest fit in its JSON. */
  wirePurgesMax: 256,
  /** Ids in one order of an operator: two orders each, where it blocks and takes the original too. */
  purgeIdsMax: 128,
  /** Control keys of a node at a time, characters of one, and key ids in a hello. */
  controlKeysMax: 2,
  controlKeyCharsMin: 16,
  controlKeyCharsMax: 1024,
  wireKeysMax: 8,
  /** Characters on the wire: of `via` (Cache-Status members), of `detail`, of `shape`, of a node's name or other token. */
  wireViaCharsMax: 4 * KiB,
  wireDetailCharsMax: 256,
  wireShapeCharsMax: 32,
  wireNameCharsMax: 255,
  /** Milliseconds a wire message may speak of: a day. */
  wireMillisecondsMax: 86_400_000,
  /** Hops a request may take between nodes before it is refused as a loop. */
  hopsMax: 8,
  /** Connections to one peer from one worker. */
  linkConnectionsMax: 32,
  /** Of them, held by bodies of more than `collectBytesMax`; the others are for small ones. */
  linkLargeMax: 24,
  /** Requests waiting for a connection to one peer in one worker, and as many for a turn with a large body. */
  linkWaitingMax: 1024,
  /** Bytes of bodies held in one worker for peers that ask again and again, of one, and names remembered as asked. */
  hotBodiesBytesMax: 16 * MiB,
  hotBodyBytesMax: 128 * KiB,
  hotBodiesAskedMax: 8192,
  /** Dials in a row that fail before a peer counts as down. */
  peerDialsMax: 3,
  /** Nodes of one level that are asked for one thing before the level counts as down. */
  ranksAskedMax: 4,
  /** Sources in a row that go on with one body without bringing a byte of it. */
  bodyFailoversMax: 3,
  /** Second requests for slow owners: one in so many asks of a worker, and so many at once. */
  hedgeAsks: 10,
  hedgesMax: 10,
  /** Bytes of a body from a peer that may wait unread before its connection is paused. */
  linkUnreadBytesMax: 256 * KiB,
  /** Connections accepted by one worker's control listener. */
  listenerConnectionsMax: 4096,
  /** Bytes held back from the client until the end frame has verified the body (spec §3). */
  verifyTailBytes: 64 * KiB,

  /** A body up to this size is collected before it is sent, so that it carries its length (spec §2). */
  collectBytesMax: 1 * MiB,
  /** Bytes of bodies being collected at once in one worker. */
  collectPoolBytesMax: 256 * MiB,
  /** Bytes of an original that passes through as `orig` (spec §6). */
  originalBytesMax: 5 * GiB,

  /** Content ids of one group whose first ranks are remembered in one worker. */
  rankMemoMax: 2048,

  /** Relnames that one worker remembers taken apart: each request between nodes brings the same one several times. */
  relnameMemoMax: 1024,
  /** Content ids for which one worker remembers the ten names that an original may have: 1 KB each. */
  originalNamesMemoMax: 512,

  /** Variants one reservation may evict: each costs an unlink on the calling thread. */
  cacheVictimsMax: 1024,
  /** Folders of the cache remembered as made, in one worker. */
  cacheFoldersMax: 1024,
  /** Bytes of one record of the cache journal, and of one write to it. */
  journalRecordBytesMax: 4 * KiB,
  /** Bytes up to which the cache journal is never replaced by a snapshot. */
  journalIdleBytes: 4 * MiB,

  /** Damaged files that are kept for a look, and bytes of one; further ones, and larger ones, are unlinked. */
  damagedFilesMax: 32,
  damagedFileBytesMax: 64 * MiB,
  /** Bytes of a file in doubt that a serving thread reads in one go; a larger one is read in turns before. */
  doubtAtOnceBytes: 1 * MiB,
  /** What the background reads to see whether cached files are still sound: in doubt after a crash, and at other times. */
  doubtBytesPerSecond: 256 * MiB,
  scrubBytesPerSecond: 4 * MiB,
  /** Originals that are kept until the level below has confirmed them, where the records of a cache were lost. */
  readmitMax: 100_000,

  /** Bytes of the `meta` part of an upload (spec §2). */
  uploadMetaBytesMax: 16 * KiB,
  /** Bytes of an upload's request that are not its file: heads of parts, `meta`, what is before and after. */
  uploadEnvelopeBytesMax: 64 * KiB,
  /** Uploads at once in one worker, and requests that have not yet shown a key. */
  uploadsMax: 64,
  uploadsUnprovenMax: 256,
  /** Wrong keys that are made to wait at once in one worker; further ones are refused without. */
  uploadRefusalsMax: 64,
  /** Bytes of the room an upload of unknown length takes at a time. */
  uploadRoomStepBytes: 1 * MiB,
  /** Uploads on their way to the origin that one node vouches for; beyond this it refuses more. */
  outboxMax: 10_000,
  /** Bytes of one outbox record. */
  outboxRecordBytesMax: 4 * KiB,
  /** Uploads sent on at once by one node. */
  outboxSendingMax: 4,

  /** Originals without room in the cache that one worker works on at once, and requests that wait for a turn. */
  spoolsMax: 2,
  spoolsWaitingMax: 256,

  /** Ids of which a node remembers that they were purged or blocked: 8,700 a day, for the 30 days of a purge. */
  purgesMax: 262_144,
  /** Of them, told to another node in one answer. */
  purgePageMax: 128,
  /** Nodes told of a purge at once; nodes asked at the start, and later now and then, what was missed. */
  purgeTellsMax: 32,
  purgeAskedFirstMax: 16,
  purgeAskedMax: 4,

  /** Flights (loads that others join) at once on one node. */
  flightsMax: 1024,
  /** Requests of one worker that wait for one load or read it as it comes, and for all loads. */
  loadWaitersMax: 4096,
  waitersMax: 16_384,
  /** Bytes held of a body from a peer that several read, and of all of them in one worker. */
  sharedBodyBytesMax: 8 * MiB,
  sharedBodiesBytesMax: 64 * MiB,

  /** Image work: see spec §6. All but the first three may be lowered in `[limits]`. */
  imagePixelsMax: 100_000_000,
  imageAnimatedPixelsMax: 300_000_000,
  imageFramesMax: 1000,
  imageSourceBytesMax: 50 * MiB,
  /** What `[limits] source_bytes` may be raised to. */
  imageSourceBytesCeiling: 512 * MiB,
  imageOutputBytesMax: 64 * MiB,
  /** Pixels of all frames of an animation that is made, by what encoding a pixel costs. */
  imageAnimatedWebpPixelsMax: 50_000_000,
  imageAnimatedGifPixelsMax: 15_000_000,
  /** Bytes of a placeholder. */
  placeholderBytesMax: 400,
  /** Jobs waiting for an image worker on one node in one lane, and those of them that nobody waits for. */
  imageQueueMax: 256,
  imageLaterMax: 64,
  /** Variants to be made later that wait in one worker, those it asks image workers for at once, and tries of one. */
  laterMax: 4096,
  laterAtOnceMax: 4,
  laterTriesMax: 20,
  /** Bytes of an original that is sent for want of an image worker. */
  standInOriginalBytesMax: 2 * MiB,
  /** Jobs of one picture that are made together from one decoding, and pixels of the largest that is kept for it. */
  imageBatchMax: 8,
  imageBatchPixelsMax: 16_777_216,
  /** Resident bytes after which an image worker is replaced. */
  imageWorkerBytesMax: 768 * MiB,
  /** Resident bytes at which an image worker is killed in mid-job: over what the largest picture allowed takes. */
  imageWorkerBytesCeiling: 3 * GiB,
  /** Jobs after which an image worker is replaced. */
  imageWorkerJobsMax: 2000,
  /** Pictures that the service of `thumbnail_endpoint` works on at once for one node. */
  delegatedMax: 32,
  /** Image workers that one picture may kill. */
  imageCrashesMax: 2,
  /** Sources and jobs remembered for having killed or outlasted an image worker. */
  imageRefusedMax: 1024,

  /** Lookups under way at one store of the origin, in one worker. */
  originLookupsMax: 128,
  /** Stores whose troubles all threads of a node share; those of further ones each thread finds out itself. */
  originsSharedMax: 16,

  /** Path cache (web id → content id), in web ids a worker. */
  pathCacheMax: 100_000,
  /** Lookups under way at the resolver API. */
  resolverInFlightMax: 128,
  /** Bytes of a resolver answer. */
  resolverAnswerBytesMax: 16 * KiB,
  /** Remembered refusals (404, 422) in one worker. */
  negativeMax: 50_000,

  /** Bytes of a topology file, servers in it, levels in it. */
  topologyBytesMax: 4 * MiB,
  topologyServersMax: 4096,
  topologyLevelsMax: 16,
  /** Listeners of one kind (public, private) of one server. */
  serverListenersMax: 64,
  /** Files of one directory that could not be read between two looks at it, before it is left out for a while. */
  diskUnreadMax: 5,
  /** Directories of one cache, one a disk: a miss looks into each one's index. */
  cacheDirsMax: 32,
  /** Size classes and exact boxes: with `orig` fewer than 256, so that a size fits in a byte. */
  sizeClassesMax: 32,
  exactSizesMax: 192,
  /** Entries of any one list of a topology file; longer ones are not looked into. */
  topologyListMax: 16_384,
  /** Mistakes of one topology file that are told; the rest is counted. */
  topologyMistakesMax: 1000,
  /** Serving threads of one node. */
  workersMax: 256,
  /** Bytes a request body may have where none is expected. */
  requestBodyBytesMax: 64 * KiB,
  /** Lines a second of a thread for requests that are not of the sample but remarkable, and for slow ones. */
  remarkableLinesMax: 20,
  slowLinesMax: 5,
  /** Spans of one request that are told, of all nodes together. */
  traceSpansMax: 64,
  /** Troubles of which a log remembers when it last told them. */
  logTroublesMax: 1024,
  /** Requests from worker threads that main is answering at once. */
  mainCallsMax: 4096,
  /** Servers of the lowest level that are asked for something to make a variant of, before an original is read. */
  nearbyRanksMax: 1,
  /** After a change of topology: servers of the level, and of those that drain, in which an owner looks for what it misses. */
  probedRanksMax: 2,
  probedDrainingMax: 2,
  /** Places of the index looked at in one turn by a rebalance, and variants it moves at once. */
  rebalanceSlotsMax: 256,
  rebalanceAtOnce: 4,
  /** A larger variant is not sent before the owner has been asked whether it has it. */
  rebalanceAskBytes: 256 * KiB,
  /** The slowest transfer that is waited for. */
  rebalanceLeastBytesPerSecond: 256 * KiB,
  /** Relnames whose hits wait in one worker to be told to their owners. */
  recordNamesMax: 20_000,
  /** Hot ids that a node tracks, and variants of one. */
  hotItemsMax: 4096,
  hotVariantsMax: 16,
  /** Names that one worker counts accesses of between two reports, and those of them that it reports. */
  hotNamesMax: 4096,
  hotReportMax: 1024,
  /** Variants of which one worker remembers who else has them. */
  hotKnownMax: 4096,
  /** Copies at other servers that an owner remembers, and names of those servers in one answer. */
  hotCopiesMax: 65_536,
  wireHeldMax: 16,
  /** Variants of one id that a node lists to another one. */
  wireListedMax: 128,
  /** Copies that a node keeps for owners. */
  replicasMax: 16_384,
  /** Clients of `GET /events` at one node. */
  eventClientsMax: 16,
  /** Other nodes asked for their `/status` at once, and bytes of what one answers. */
  statusAsksMax: 32,
  statusBytesMax: 1 * MiB,
  /** Bytes of a small picture for the dashboard, and pictures of one node asked of others at once. */
  pictureBytesMax: 256 * KiB,
  picturesAskedMax: 32,
  /** Hot ids in `/status`. */
  hotShownMax: 20,
  /** Characters of one event of a mesh that a terminal follows. */
  meshEventBytesMax: 64 * MiB,
  /** Fills that one thread remembers, for people who look. */
  fillsKept: 512,
  /** Servers of a level that are asked what they have of an id, for people who look, and all those asked at once. */
  whyAskedMax: 64,
  whyAskedAtOnce: 32,
  /** Variants in one order to warm, and how many are told at once. */
  warmNamesMax: 4096,
  warmAtOnceMax: 8,
} as const;
