/** Waits that nearly always end before they are due: many of them share one timer of the system. */

/** Waits are rounded up to this, so that those of requests with different times left share a row. */
const STEP_MS = 10;

export interface Wait {
  /** It is not due any more; safe at any time and more than once. */
  end(): void;
}

/**
 * Calls `onDue` once, not before `afterMs` and at most about 10 ms after it. Making and ending one costs a
 * quarter of `setTimeout` and `clearTimeout` (bench/micro/wire.ts). It keeps no process alive.
 */
export function waitAbout(afterMs: number, onDue: () => void): Wait {
  const ms = Math.max(STEP_MS, Math.ceil(afterMs / STEP_MS) * STEP_MS);
  const row = rows.get(ms) ?? openRow(ms);
  return row.add(onDue);
}

/** By length; a row goes when its timer finds it empty, so there are no more of them than waits lately made. */
const rows = new Map<number, Row>();

function openRow(ms: number): Row {
  const row = new Row(ms);
  rows.set(ms, row);
  return row;
}

/** Waits of one length are due in the order in which they were made. */
class Row {
  readonly #ms: number;
  /** Joined to a ring, of which this is neither first nor last. */
  readonly #ring: Link;
  #timer: Timer | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.#ring = new Link(Number.POSITIVE_INFINITY, undefined);
  }

  add(onDue: () => void): Wait {
    const link = new Link(performance.now() + this.#ms, onDue);
    link.join(this.#ring);
    this.#timer ??= this.#look(this.#ms);
    return link;
  }

  #look(afterMs: number): Timer {
    const timer = setTimeout(() => this.#fired(), Math.max(1, Math.ceil(afterMs)));
    timer.unref();
    return timer;
  }

  #fired(): void {
    const now = performance.now();
    let first = this.#ring.next;
    while (first.dueAt <= now) {
      first.due();
      first = this.#ring.next;
    }
    const isEmpty = first === this.#ring;
    this.#timer = isEmpty ? undefined : this.#look(first.dueAt - now);
    if (isEmpty) rows.delete(this.#ms);
  }
}

class Link implements Wait {
  readonly dueAt: number;
  #onDue: (() => void) | undefined;
  #next: Link = this;
  #before: Link = this;

  constructor(dueAt: number, onDue: (() => void) | undefined) {
    this.dueAt = dueAt;
    this.#onDue = onDue;
  }

  get next(): Link {
    return this.#next;
  }

  /** As the last one of the ring. */
  join(ring: Link): void {
    this.#next = ring;
    this.#before = ring.#before;
    this.#before.#next = this;
    ring.#before = this;
  }

  due(): void {
    const onDue = this.#onDue;
    this.end();
    onDue?.();
  }

  end(): void {
    this.#onDue = undefined;
    this.#before.#next = this.#next;
    this.#next.#before = this.#before;
    this.#next = this;
    this.#before = this;
  }
}
