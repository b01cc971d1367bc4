/** The invariants of the index, checked while nobody writes: for tests, stress and benches. */

import { FLAG, HALF, HEADER, OCTET, ROWS, rowFloat, STATE, SUM, WORD } from "./layout.ts";
import { accounted, overheadBytes, ROW_FIELDS, sumIndexOf } from "./ledger.ts";
import { lockHolder } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { cellsOf, linkOf, nameOf } from "./names.ts";
import { headOf, nextOf, PINNED, QUEUES, SMALL, UNQUEUED } from "./queues.ts";
import { bytesOf, findSlot, stateOf } from "./slots.ts";
import {
  firstHash,
  homeOf,
  openView,
  secondHash,
  slotHalf,
  slotOctet,
  slotWord,
  sum,
  type View,
  word,
} from "./view.ts";

interface Tally {
  readonly errors: string[];
  readonly queued: Uint8Array;
  readonly passed: Uint32Array;
  readonly cells: Uint8Array;
  taken: number;
  live: number;
  used: number;
  liveBytes: number;
  smallBytes: number;
  pinned: number;
  pinnedBytes: number;
}

const ERRORS_MAX = 20;

/** What is wrong with the index, in words; empty when all is well. */
export function checkIndex(memory: CacheMemory): string[] {
  const view = openView(memory);
  const tally: Tally = {
    errors: [],
    queued: new Uint8Array(view.slots),
    passed: new Uint32Array(view.slots),
    cells: new Uint8Array(word(view, HEADER.arenaFresh)),
    taken: 0,
    live: 0,
    used: 0,
    liveBytes: 0,
    smallBytes: 0,
    pinned: 0,
    pinnedBytes: 0,
  };
  if (lockHolder(view) !== undefined) tally.errors.push("locked");
  for (const queue of QUEUES) checkQueue(view, queue, tally);
  if (view.stamped) checkUnqueued(view, tally);
  for (let slot = 0; slot < view.slots; slot++) checkSlot(view, slot, tally);
  checkPassed(view, tally);
  checkOrphans(view, tally);
  checkArena(view, tally);
  checkSums(view, tally);
  return tally.errors.slice(0, ERRORS_MAX);
}

function checkQueue(view: View, queue: number, tally: Tally): void {
  let last = 0;
  for (let slot = headOf(view, queue); slot >= 0; slot = nextOf(view, slot)) {
    if (tally.queued[slot] === 1) {
      tally.errors.push(`slot ${slot} is queued twice`);
      return;
    }
    tally.queued[slot] = 1;
    expect(tally, slotWord(view, slot, WORD.prev) === last, `slot ${slot}: wrong neighbour`);
    expect(tally, slotOctet(view, slot, OCTET.queue) === queue, `slot ${slot}: wrong queue mark`);
    expect(tally, stateOf(view, slot) === STATE.live, `slot ${slot}: queued but not live`);
    const bytes = accounted(bytesOf(view, slot));
    tally.live++;
    tally.liveBytes += bytes;
    if (queue === SMALL) tally.smallBytes += bytes;
    if (queue === PINNED) {
      tally.pinned++;
      tally.pinnedBytes += bytes;
    }
    last = slot + 1;
  }
  expect(tally, word(view, HEADER.tails + queue) === last, `queue ${queue}: wrong tail`);
}

/** Under `lru`, where a mark takes the place of a queue. */
function checkUnqueued(view: View, tally: Tally): void {
  for (let slot = 0; slot < view.slots; slot++) {
    if (slotOctet(view, slot, OCTET.queue) !== UNQUEUED) continue;
    if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) !== STATE.live) continue;
    expect(tally, tally.queued[slot] === 0, `slot ${slot}: queued and not`);
    tally.queued[slot] = 1;
    tally.live++;
    tally.liveBytes += accounted(bytesOf(view, slot));
  }
}

function checkSlot(view: View, slot: number, tally: Tally): void {
  const h1 = slotWord(view, slot, WORD.h1);
  expect(tally, slotHalf(view, slot, HALF.version) % 2 === 0, `slot ${slot}: half written`);
  if (h1 === 0) {
    expect(tally, tally.queued[slot] === 0, `slot ${slot}: free but queued`);
    return;
  }
  tally.taken++;
  tally.used += accounted(bytesOf(view, slot));
  const live = stateOf(view, slot) === STATE.live;
  expect(tally, live === (tally.queued[slot] === 1), `slot ${slot}: lost from its queue`);
  const relname = nameOf(view, slot);
  const hashes = [firstHash(view, relname), secondHash(view, relname)] as const;
  const found = findSlot(view, ...hashes, relname);
  expect(tally, found === slot, `slot ${slot}: ${relname} is found at ${found}`);
  expect(
    tally,
    (slotOctet(view, slot, OCTET.flags) & FLAG.doubtful) === 0 || word(view, HEADER.doubtful) === 1,
    `slot ${slot}: in doubt, and nobody looks`,
  );
  for (let p = homeOf(view, h1); p !== slot; p = p + 1 === view.slots ? 0 : p + 1) {
    tally.passed[p] = (tally.passed[p] ?? 0) + 1;
  }
  for (const cell of cellsOf(view, slot)) {
    expect(tally, tally.cells[cell] === 0, `cell ${cell} belongs to two slots`);
    tally.cells[cell] = 1;
  }
}

function checkPassed(view: View, tally: Tally): void {
  for (let slot = 0; slot < view.slots; slot++) {
    const found = slotHalf(view, slot, HALF.passed);
    expect(
      tally,
      found === tally.passed[slot],
      `slot ${slot}: passed ${found}, not ${tally.passed[slot]}`,
    );
  }
}

function checkOrphans(view: View, tally: Tally): void {
  let next = word(view, HEADER.orphans);
  for (let count = 0; next > 0; count++) {
    expect(tally, stateOf(view, next - 1) === STATE.dying, `orphan ${next - 1} is not dying`);
    if (count > view.slots) return void tally.errors.push("orphans run in a circle");
    next = slotWord(view, next - 1, WORD.next);
  }
}

function checkArena(view: View, tally: Tally): void {
  let free = word(view, HEADER.arenaFree);
  for (; free > 0; free = linkOf(view, free - 1) + 1) {
    if (tally.cells[free - 1] !== 0)
      return void tally.errors.push(`cell ${free - 1} is free and not`);
    tally.cells[free - 1] = 2;
  }
  expect(tally, !tally.cells.includes(0), "an arena cell is lost");
}

function checkSums(view: View, tally: Tally): void {
  const same = (what: string, found: number, wanted: number): void =>
    expect(tally, found === wanted, `${what}: ${found}, not ${wanted}`);
  same("taken", word(view, HEADER.taken), tally.taken);
  const cells = tally.cells.reduce((total, one) => total + (one === 1 ? 1 : 0), 0);
  same("arena cells", word(view, HEADER.arenaUsed), cells);
  same("live", word(view, HEADER.live), tally.live);
  same("used bytes", sum(view, SUM.used), tally.used);
  same("live bytes", sum(view, SUM.live), tally.liveBytes);
  same("pinned", word(view, HEADER.pinned), tally.pinned);
  same("pinned bytes", sum(view, SUM.pinned), tally.pinnedBytes);
  same("small bytes", sum(view, SUM.small), tally.smallBytes);
  for (const field of ROW_FIELDS) {
    let total = 0;
    for (let worker = 0; worker < ROWS; worker++) {
      const share = sum(view, rowFloat(worker, field));
      expect(tally, share >= 0, `${field} of ${worker} is ${share}`);
      total += share;
    }
    same(field, sum(view, sumIndexOf(field)), total);
  }
  const kept =
    sum(view, SUM.used) - sum(view, SUM.owed) + sum(view, SUM.reserved) + overheadBytes(view);
  expect(tally, kept <= sum(view, SUM.capacity), `${kept} bytes exceed the capacity`);
}

function expect(tally: Tally, holds: boolean, message: string): void {
  if (!holds && tally.errors.length < ERRORS_MAX) tally.errors.push(message);
}
