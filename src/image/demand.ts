/** Who waits for an image job, and for how long. */

export interface Demand {
  /** Milliseconds it may wait for an image worker. */
  readonly deadlineMs: number;
  /**
   * For who has something to send instead: refused at once when the wait is likely to be longer, and after it when it
   * was.
   */
  readonly patienceMs?: number;
  /** W3C trace context of who waits, for a service that does the work. */
  readonly traceparent?: string;
  /** Nobody waits for it now: it goes behind everything else. */
  readonly later?: boolean;
  /** Aborted when nobody waits for it any more: a job that has not begun leaves the queue with `abandoned`. */
  readonly gone?: AbortSignal;
  /** Aborted when somebody waits for it now although it was begun for later. */
  readonly hurry?: AbortSignal;
}
