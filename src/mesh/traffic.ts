/** What a node has had from each of its peers, in shared memory: one row a thread, as with counters. */

/** Structured-cloneable. */
export interface TrafficMemory {
  readonly table: SharedArrayBuffer;
  /** Names of the peers, in the order of their places in a row. */
  readonly peers: readonly string[];
}

/** Of one peer, since this node started. */
export interface PeerTraffic {
  /** Answers that brought a variant, or said that the asker's is still good. */
  readonly answers: number;
  /** Of their bodies, as they came. */
  readonly bodyBytes: number;
}

/** The counting side. Peers that are not in the table are not counted. */
export interface Traffic {
  answered(peer: string): void;
  received(peer: string, bytes: number): void;
}

const WORDS_PER_PEER = 2;

/** `rows` threads; `former`: what was counted of the peers that were in it already, with as many rows. */
export function createTrafficMemory(
  peers: readonly string[],
  rows: number,
  former?: TrafficMemory,
): TrafficMemory {
  const memory = { table: new SharedArrayBuffer(rows * rowWords(peers) * 8), peers };
  if (former !== undefined) copyCounts(former, memory, rows);
  return memory;
}

/** Threads of a table. */
export function trafficRows({ table, peers }: TrafficMemory): number {
  return table.byteLength / (rowWords(peers) * 8);
}

/** Row 0 is main's; only its own thread may write a row, so no atomics are needed. */
export function openTraffic({ table, peers }: TrafficMemory, row: number): Traffic {
  const words = new Float64Array(table, row * rowWords(peers) * 8, rowWords(peers));
  const places = new Map(peers.map((peer, i) => [peer, i * WORDS_PER_PEER]));
  const add = (peer: string, word: number, amount: number): void => {
    const place = places.get(peer);
    if (place !== undefined) words[place + word] = (words[place + word] ?? 0) + amount;
  };
  return {
    answered: (peer) => add(peer, 0, 1),
    received: (peer, bytes) => add(peer, 1, bytes),
  };
}

/** Sums over all threads, by name; each may lag by what is under way. */
export function readTraffic({ table, peers }: TrafficMemory): ReadonlyMap<string, PeerTraffic> {
  const words = new Float64Array(table);
  const sumAt = (place: number): number => {
    let sum = 0;
    for (let row = 0; row < words.length; row += rowWords(peers)) sum += words[row + place] ?? 0;
    return sum;
  };
  return new Map(
    peers.map((peer, i) => {
      const place = i * WORDS_PER_PEER;
      return [peer, { answers: sumAt(place), bodyBytes: sumAt(place + 1) }];
    }),
  );
}

function copyCounts(from: TrafficMemory, to: TrafficMemory, rows: number): void {
  const [source, target] = [new Float64Array(from.table), new Float64Array(to.table)];
  to.peers.forEach((peer, i) => {
    const before = from.peers.indexOf(peer);
    if (before < 0) return;
    for (let row = 0; row < rows; row++) {
      const start = row * rowWords(from.peers) + before * WORDS_PER_PEER;
      const counts = source.subarray(start, start + WORDS_PER_PEER);
      target.set(counts, row * rowWords(to.peers) + i * WORDS_PER_PEER);
    }
  });
}

/** Whole cache lines of 8 words, so that threads do not write to the same one. */
function rowWords(peers: readonly string[]): number {
  return Math.max(1, Math.ceil((peers.length * WORDS_PER_PEER) / 8)) * 8;
}
