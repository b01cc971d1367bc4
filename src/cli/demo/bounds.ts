/** The maxima and waits of the demo by name. */

export const DEMO_LIMITS = {
  /** Pictures taken from `--photos`; the rest of the directory is left out, and that is said. */
  photosMax: 2000,
  /** Files of that directory that are looked at. */
  directoryFilesMax: 100_000,
  /** Requests of the demo's own traffic at once; past it a turn is skipped. */
  inFlightMax: 16,
  requestsPerSecond: 20,
  /** Pictures whose answers fill the table of `--once`, and those tried to find them. */
  roundPhotos: 4,
  roundPhotosTried: 24,
  /** Bytes of a node's standard error kept to be shown when it fails. */
  logTailBytes: 32 * 1024,
  /** Bytes of one answer of a node that the demo reads. */
  answerBytesMax: 512 * 1024 * 1024,
  /** Characters of a `Cache-Status` that is read. */
  cacheStatusCharsMax: 8192,
  /** Pictures drawn at once: one is being computed while another one is being encoded. */
  drawnAtOnce: 2,
  /** Ports tried before giving up on finding a free one. */
  portTries: 200,
} as const;

/** Milliseconds. */
export const DEMO_WAITS = {
  /** A node says `ready` within this. */
  readyMs: 30_000,
  /**
   * An answer is whole within this; more than the node's own deadline, so that its fault is seen.
   */
  answerMs: 40_000,
  /** After SIGTERM a node has this long before SIGKILL. */
  stopMs: 5_000,
  /**
   * The last words of a node that ended may take this long to arrive: its image workers hold the
   * pipe too.
   */
  logMs: 500,
  /** The live line is written anew this often on a terminal, and this often elsewhere. */
  liveMs: 500,
  quietLiveMs: 5_000,
} as const;
