/** What this node knows of its peers' health, in memory that all its threads share (spec §4). */

import { hash32 } from "../wire/xxhash.ts";

export const PEER_STATES = ["up", "suspect", "down"] as const;
export type PeerState = (typeof PEER_STATES)[number];

/** Memory: a cache line a peer. Any thread reads with plain loads; a look may be one change late. */
export interface HealthMemory {
  readonly table: SharedArrayBuffer;
  /** Names of the peers, in the order of the lines. */
  readonly peers: readonly string[];
}

/** What those who choose whom to ask see and say. Peers that nobody watches count as up. */
export interface PeerHealth {
  state(peer: string): PeerState;
  /** Up, and ready for requests for this id: one that has come back takes them bit by bit. */
  takes(peer: string, id: string): boolean;
  /** A connection to it was refused or broke before an answer: it is suspect until it is heard of again. */
  report(peer: string): void;
}

/** A line of `/status`. */
export interface PeerReport {
  readonly name: string;
  readonly state: PeerState;
  /** Milliseconds of the last ping; null before the first. */
  readonly rttMs: number | null;
  /** Unix seconds; null for a peer that was never heard of. */
  readonly lastSeen: number | null;
}

const LINE_BYTES = 64;
/** 32-bit words of a line. */
const STATE = 0;
const REPORTS = 1;
const SLOT = 2;
/** 64-bit words of a line. */
const SINCE = 2;
const LAST_SEEN = 3;
const RTT = 4;
const SHARE = 5;

const UP = 0;
const SUSPECT = 1;
const RETURN_SEED = 0x27d4_eb2f;

/** `former`: what is known of the peers that were in it already. */
export function createHealthMemory(peers: readonly string[], former?: HealthMemory): HealthMemory {
  const table = new SharedArrayBuffer(Math.max(1, peers.length) * LINE_BYTES);
  const health = new HealthTable({ table, peers });
  for (const peer of peers) health.setShare(peer, 1);
  if (former !== undefined) copyLines(former, { table, peers });
  return { table, peers };
}

function copyLines(from: HealthMemory, to: HealthMemory): void {
  const [source, target] = [new Uint8Array(from.table), new Uint8Array(to.table)];
  to.peers.forEach((peer, line) => {
    const before = from.peers.indexOf(peer);
    if (before < 0) return;
    const start = before * LINE_BYTES;
    target.set(source.subarray(start, start + LINE_BYTES), line * LINE_BYTES);
  });
}

/** Everybody may `report`; all else is written by the one thread that watches the peers. */
export class HealthTable implements PeerHealth {
  readonly #words: Int32Array;
  readonly #figures: Float64Array;
  readonly #lines: ReadonlyMap<string, number>;

  constructor({ table, peers }: HealthMemory) {
    this.#words = new Int32Array(table);
    this.#figures = new Float64Array(table);
    this.#lines = new Map(peers.map((peer, i) => [peer, i]));
  }

  state(peer: string): PeerState {
    const line = this.#lines.get(peer);
    return line === undefined ? "up" : (PEER_STATES[this.#word(line, STATE)] ?? "down");
  }

  takes(peer: string, id: string): boolean {
    const line = this.#lines.get(peer);
    if (line === undefined) return true;
    if (this.#word(line, STATE) !== UP) return false;
    const share = this.#figure(line, SHARE);
    // the slot is in it so that a hot id is shared out too, and not all or nothing
    return share >= 1 || drawOf(id, this.#word(line, SLOT)) < share;
  }

  report(peer: string): void {
    const line = this.#lines.get(peer);
    if (line === undefined) return;
    const at = line * (LINE_BYTES / 4);
    Atomics.add(this.#words, at + REPORTS, 1);
    Atomics.compareExchange(this.#words, at + STATE, UP, SUSPECT);
  }

  /** Grows with each `report`, so that a watcher sees whether there was one since it looked. */
  reports(peer: string): number {
    const line = this.#lines.get(peer);
    return line === undefined ? 0 : this.#word(line, REPORTS);
  }

  setState(peer: string, state: PeerState, wallSeconds: number): void {
    const line = this.#lines.get(peer);
    if (line === undefined) return;
    Atomics.store(this.#words, line * (LINE_BYTES / 4) + STATE, PEER_STATES.indexOf(state));
    this.#setFigure(line, SINCE, wallSeconds);
  }

  /** Part of its ids' load that a peer takes, 0 to 1. Each call begins another time slot. */
  setShare(peer: string, share: number): void {
    const line = this.#lines.get(peer);
    if (line === undefined) return;
    this.#setFigure(line, SHARE, share);
    this.#words[line * (LINE_BYTES / 4) + SLOT] = this.#word(line, SLOT) + 1;
  }

  setSeen(peer: string, wallSeconds: number): void {
    const line = this.#lines.get(peer);
    if (line !== undefined) this.#setFigure(line, LAST_SEEN, wallSeconds);
  }

  setRtt(peer: string, rttMs: number): void {
    const line = this.#lines.get(peer);
    // 0 means "never measured"
    if (line !== undefined) this.#setFigure(line, RTT, Math.max(rttMs, Number.MIN_VALUE));
  }

  reportsOfAll(): PeerReport[] {
    return [...this.#lines].map(([name, line]) => ({
      name,
      state: this.state(name),
      rttMs: rounded(this.#figure(line, RTT)),
      lastSeen: this.#figure(line, LAST_SEEN) || null,
    }));
  }

  #word(line: number, word: number): number {
    return this.#words[line * (LINE_BYTES / 4) + word] ?? 0;
  }

  #figure(line: number, figure: number): number {
    return this.#figures[line * (LINE_BYTES / 8) + figure] ?? 0;
  }

  #setFigure(line: number, figure: number, value: number): void {
    this.#figures[line * (LINE_BYTES / 8) + figure] = value;
  }
}

/** 0 to below 1, the same for the same id and slot on every thread. */
function drawOf(id: string, slot: number): number {
  return hash32(`${id}\0${slot}`, RETURN_SEED) / 2 ** 32;
}

/** To microseconds; null when it was never measured. */
function rounded(ms: number): number | null {
  return ms === 0 ? null : Math.round(ms * 1000) / 1000;
}
