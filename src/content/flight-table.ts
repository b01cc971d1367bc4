/** The shared table of flights: loads that any worker of the node can join (design decision 7). */

import { Fault, isFaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { FlightHead, FlightView } from "./flight.ts";

/**
 * Memory: a lock word (number of the holder plus one) and a cursor, one hash word a flight (0 = not under way; scanned whole, it
 * is 4 KiB), then one record a flight. A record stays readable after its end until it is claimed
 * again; `serial` tells readers when that has happened.
 */
export interface FlightMemory {
  readonly table: SharedArrayBuffer;
  readonly flights: number;
}

type EndState = "done" | "failed" | "solo" | "lost";

/** What other workers hear of a Fault. */
type ToldFault = Pick<Fault, "code" | "message" | "retryAfterMs">;

const FLIGHT_STATE = {
  free: 0,
  opening: 1,
  filling: 2,
  done: 3,
  failed: 4,
  solo: 5,
  lost: 6,
} as const;

const LOCK = 0;
const CURSOR = 1;
const HASHES = 16;
const STATE = 0;
const HOLDER = 1;
const TICK = 2;
const SERIAL = 3;
const KEY_BYTES = 4;
/** f64 at words 6 and 7. */
const PROGRESS = 6;
const ASKERS = 8;
const KEY_AT = 64;
const TEXT_BYTES_MAX = 1728;
/**
 * What a flight tells at its begin and at its end, as JSON. Each is written once a flight, before the state that says
 * so: who reads the begin while it ends must not find the half of the end there.
 */
const BEGIN: Text = { bytes: 5, at: KEY_AT + LIMITS.wireRelnameBytesMax };
const END: Text = { bytes: 9, at: BEGIN.at + TEXT_BYTES_MAX };
const RECORD_WORDS = (END.at + TEXT_BYTES_MAX) / 4;

const TEXT_OF: ReadonlyMap<number, Text> = new Map([
  [FLIGHT_STATE.filling, BEGIN],
  [FLIGHT_STATE.done, END],
  [FLIGHT_STATE.failed, END],
]);

/** A place in a record: the word of its length, and the first of its bytes. */
interface Text {
  readonly bytes: number;
  readonly at: number;
}

export function createFlightMemory(flights: number = LIMITS.flightsMax): FlightMemory {
  const words = HASHES + Math.ceil(flights / 2) * 2 + flights * RECORD_WORDS;
  return { table: new SharedArrayBuffer(words * 4), flights };
}

/** Views of the table; every reader and writer goes through these. */
export class FlightTable {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #flights: number;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(memory: FlightMemory) {
    this.#words = new Int32Array(memory.table);
    this.#bytes = new Uint8Array(memory.table);
    this.#flights = memory.flights;
  }

  get words(): Int32Array {
    return this.#words;
  }

  /** Finds the load of `key` under way, else claims a record; undefined when the table is full. */
  enter(key: string, worker: number): { at: number; serial: number; mine: boolean } | undefined {
    const hash = Number(Bun.hash.xxHash32(key)) | 0 || 1;
    const wanted = this.#encoder.encode(key);
    this.#lock(worker + 1);
    try {
      for (let i = 0; i < this.#flights; i++) {
        if (this.#words[HASHES + i] !== hash || !this.#sameKey(i, wanted)) continue;
        const at = this.#recordAt(i);
        return { at, serial: this.#word(at + SERIAL), mine: false };
      }
      return this.#claim(hash, wanted, worker);
    } finally {
      Atomics.store(this.#words, LOCK, 0);
    }
  }

  tickIndex(at: number): number {
    return at + TICK;
  }

  begin(at: number, head: FlightHead): void {
    this.#write(at, BEGIN, head);
    this.#setState(at, FLIGHT_STATE.filling);
  }

  /** `told`: the head of what is done, or the Fault of what has failed. */
  end(at: number, state: EndState, told?: FlightHead | ToldFault): void {
    if (told !== undefined) this.#write(at, END, told);
    this.#setState(at, FLIGHT_STATE[state]);
  }

  setProgress(at: number, bytes: number): void {
    this.#progressView(at)[0] = bytes;
    this.wake(at);
  }

  askers(at: number): number {
    return Atomics.load(this.#words, at + ASKERS);
  }

  /** Under the lock: a flight that was claimed again meanwhile has askers of its own. */
  addAskers(
    flight: { readonly at: number; readonly serial: number },
    more: 1 | -1,
    worker: number,
  ) {
    const { at, serial } = flight;
    this.#lock(worker + 1);
    try {
      if (this.#word(at + SERIAL) !== serial) return;
      this.#words[at + ASKERS] = this.#word(at + ASKERS) + more;
    } finally {
      Atomics.store(this.#words, LOCK, 0);
    }
    // the first is news to whoever makes it for later; that the last has gone is noticed by and by
    if (more === 1 && this.askers(at) === 1) this.wake(at);
  }

  wake(at: number): void {
    Atomics.add(this.#words, at + TICK, 1);
    Atomics.notify(this.#words, at + TICK);
  }

  view(at: number, serial: number): FlightView {
    const state = Atomics.load(this.#words, at + STATE);
    const bytes = this.#progressView(at)[0] ?? 0;
    const text = TEXT_OF.get(state);
    const json: unknown = text && this.#read(at, text);
    if (Atomics.load(this.#words, at + SERIAL) !== serial) return { kind: "lost" };
    if (state === FLIGHT_STATE.opening) return { kind: "opening" };
    if (state === FLIGHT_STATE.solo) return { kind: "solo" };
    if (state === FLIGHT_STATE.failed) return { kind: "failed", fault: asFlightFault(json) };
    if (state === FLIGHT_STATE.filling) return { kind: "filling", head: asHead(json), bytes };
    if (state === FLIGHT_STATE.done) return { kind: "done", head: asHead(json) };
    return { kind: "lost" };
  }

  /** Main thread, after `worker` died: its flights are lost and its lock is released. */
  abandon(worker: number): number {
    if (this.#words[LOCK] === worker + 1) Atomics.store(this.#words, LOCK, 0);
    let lost = 0;
    for (let i = 0; i < this.#flights; i++) {
      const at = this.#recordAt(i);
      const state = this.#word(at + STATE);
      if (this.#word(at + HOLDER) !== worker) continue;
      if (state !== FLIGHT_STATE.opening && state !== FLIGHT_STATE.filling) continue;
      this.#setState(at, FLIGHT_STATE.lost);
      lost++;
    }
    return lost;
  }

  #claim(hash: number, key: Uint8Array, worker: number) {
    if (key.length > LIMITS.wireRelnameBytesMax) throw new Fault("internal", "flight key too long");
    const start = this.#word(CURSOR);
    for (let step = 0; step < this.#flights; step++) {
      const i = (start + step) % this.#flights;
      if (this.#words[HASHES + i] !== 0) continue;
      const at = this.#recordAt(i);
      const serial = (this.#word(at + SERIAL) + 1) | 0;
      // the serial first: a late reader of the earlier flight must not take the new one's words for its own
      Atomics.store(this.#words, at + SERIAL, serial);
      this.#words[at + HOLDER] = worker;
      this.#words[at + KEY_BYTES] = key.length;
      this.#bytes.set(key, at * 4 + KEY_AT);
      this.#progressView(at)[0] = 0;
      this.#words[at + ASKERS] = 0;
      Atomics.store(this.#words, at + STATE, FLIGHT_STATE.opening);
      this.#words[HASHES + i] = hash;
      this.#words[CURSOR] = (i + 1) % this.#flights;
      return { at, serial, mine: true };
    }
    return undefined;
  }

  /** Held for a scan of 4 KiB, about a microsecond; a holder that died is released by `abandon`. */
  #lock(token: number): void {
    while (Atomics.compareExchange(this.#words, LOCK, 0, token) !== 0) Atomics.pause();
  }

  #sameKey(i: number, key: Uint8Array): boolean {
    const at = this.#recordAt(i);
    if (this.#word(at + KEY_BYTES) !== key.length) return false;
    const start = at * 4 + KEY_AT;
    return key.every((byte, k) => this.#bytes[start + k] === byte);
  }

  #recordAt(i: number): number {
    return HASHES + Math.ceil(this.#flights / 2) * 2 + i * RECORD_WORDS;
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }

  #progressView(at: number): Float64Array {
    return new Float64Array(this.#words.buffer, (at + PROGRESS) * 4, 1);
  }

  #setState(at: number, state: number): void {
    Atomics.store(this.#words, at + STATE, state);
    if (state > FLIGHT_STATE.filling) {
      const i = (at - this.#recordAt(0)) / RECORD_WORDS;
      Atomics.store(this.#words, HASHES + i, 0);
    }
    this.wake(at);
  }

  #write(at: number, text: Text, json: FlightHead | ToldFault): void {
    const bytes = this.#encoder.encode(JSON.stringify(json));
    if (bytes.length > TEXT_BYTES_MAX) throw new Fault("internal", "flight head over its limit");
    this.#bytes.set(bytes, at * 4 + text.at);
    Atomics.store(this.#words, at + text.bytes, bytes.length);
  }

  /** undefined when the words were claimed again while being read; the caller's serial check finds out. */
  #read(at: number, text: Text): unknown {
    const start = at * 4 + text.at;
    const length = Math.min(Atomics.load(this.#words, at + text.bytes), TEXT_BYTES_MAX);
    const copy = this.#bytes.slice(start, start + length);
    try {
      return JSON.parse(this.#decoder.decode(copy));
    } catch {
      return undefined;
    }
  }
}

/** Only ever written in this process: shape is trusted, presence is not. */
function asHead(json: unknown): FlightHead {
  if (typeof json !== "object" || json === null)
    throw new Fault("internal", "flight without a head");
  return json as FlightHead;
}

function asFlightFault(json: unknown): Fault {
  const { code, message, retryAfterMs } = (json ?? {}) as {
    code?: string;
    message?: string;
    retryAfterMs?: number;
  };
  const known = code !== undefined && isFaultCode(code) ? code : "internal";
  return new Fault(
    known,
    message ?? "load failed",
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}
