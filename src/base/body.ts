/** A stream of bytes that is pulled: the one shape bodies have between files, peers, origins and clients. */

/** Back-pressure is the pull itself: nothing is read ahead of `read()` beyond a bounded window. */
export interface Body {
  /**
   * The next bytes, never empty, or undefined at the complete, verified end. Valid until the next call.
   * Throws a Fault when the source was cut: a short body never ends with undefined.
   * Only one call at a time.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Gives the source back; safe to call at any time, more than once, and after the end. */
  cancel(): void;
}
