/** The maxima and waits of `mir bench` by name. */

export const BENCH_LIMITS = {
  threadsMax: 64,
  /** Over all threads: each is a socket, with one request on its way. */
  connectionsMax: 10_000,
  requestsPerSecondMax: 1_000_000,
  countMax: 1_000_000_000,
  /** Milliseconds of a run, and of its ramp. */
  runMsMax: 86_400_000,
  /** Web ids or URLs of a run, bytes of the file that names them, characters of one line. */
  idsMax: 1_000_000,
  idsBytesMax: 128 * 1024 * 1024,
  idCharsMax: 2048,
  /** Listeners that are asked, and sizes times formats. */
  targetsMax: 1024,
  variantsMax: 64,
  zipfMax: 10,
  /** Bytes of an answer's head, and of a line that says how long a chunk is. */
  headBytesMax: 64 * 1024,
  chunkLineBytesMax: 1024,
  /** Different `Cache-Status` values whose meaning is remembered in a thread. */
  cacheStatusesMax: 1024,
  uploadsPerSecondMax: 1000,
  /** Uploads on their way; what is due beyond is sent when one of them has ended, and counts from when it was due. */
  uploadsAtOnceMax: 32,
  /** Bytes of a summary that is compared with. */
  summaryBytesMax: 4 * 1024 * 1024,
} as const;

/** Milliseconds. */
export const BENCH_WAITS = {
  /** A connection stands within this; without `--timeout` an answer is whole within the second. */
  connectMs: 5_000,
  answerMs: 30_000,
  /** A connection that failed is made again after the first wait, doubled up to the second. */
  reconnectFirstMs: 50,
  reconnectLongestMs: 1_000,
  /** How often a thread looks for answers that are overdue, and whether it shall stop. */
  tickMs: 50,
  /** A thread that has nothing else to do is called this long before it looks at its schedule again. */
  wakeLeastMs: 0.1,
  wakeLongestMs: 20,
  /** What was due in the run and found no free connection is still sent for so long after it. */
  drainMs: 10_000,
  /** A request that is sent so long after it was due is told as late. */
  lateMs: 10,
  /** A thread says that it is ready within this, beside the time its connections take. */
  startMs: 20_000,
  /** The line that shows how far it is, on a terminal and elsewhere. */
  liveMs: 500,
  quietLiveMs: 5_000,
} as const;
