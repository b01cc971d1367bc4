/**
 * Brings the images of a checkpoint into the index, bit by bit, while workers may already serve: what they publish
 * meanwhile, and what the journal says, is newer and stays as it is.
 */

import { isDiskFull } from "../base/errno.ts";
import { parseRelname } from "../base/variant.ts";
import type { CheckpointHead } from "./checkpoint-file.ts";
import type { FactFields } from "./journal.ts";
import { rehash } from "./key.ts";
import { HEADER, OCTET, SUM, WORD } from "./layout.ts";
import { accounted, roomSlots } from "./ledger.ts";
import { mustLock, unlock } from "./lock.ts";
import { nameOf } from "./names.ts";
import type { OpenCheckpoint } from "./open-checkpoint.ts";
import { PINNED, queueOf, SMALL } from "./queues.ts";
import type { Journaled } from "./read-journals.ts";
import { dropSlot } from "./room.ts";
import { beforeImages, type SlotImage, stepImage } from "./slot-image.ts";
import { bytesOf, isDoubtful, pasteSlot, probe, setDoubtful, writeFacts } from "./slots.ts";
import type { Store } from "./store.ts";
import type { Tombstones } from "./tombstones.ts";
import { addSum, addWord, firstHash, secondHash, setSlotOctet, type View } from "./view.ts";

/** Images brought in by one turn under the lock. */
const IMAGES_PER_TURN = 256;

export interface Load {
  /** Yields between turns. */
  readonly steps: Generator<void, void>;
  /** Images that found no place, or were from before a purge, so far. */
  readonly dropped: number;
  /** Chunks that were damaged, so far: what they told of is not known any more. */
  readonly damaged: number;
}

export function loadImages(
  store: Store,
  options: {
    readonly tombstones: Pick<Tombstones, "outdates" | "seq">;
    readonly checkpoint: OpenCheckpoint;
    readonly journaled: Journaled;
    /** The machine has died since: no file is trusted that nobody has looked at. */
    readonly doubtful: boolean;
  },
): Load {
  const { view } = store;
  const { checkpoint, journaled, doubtful, tombstones } = options;
  const { ages } = checkpoint;
  const recode = recodeOf(checkpoint.head, view);
  const gone = goneKeys(store, journaled.last);
  const learned = factsByKey(store, journaled.learned);
  // names are looked at only when there is a reason
  const suspected = tombstones.outdates(ages);
  const { seq } = tombstones;
  const outdated = isOutdated(store, ages);
  let dropped = 0;
  let damaged = 0;

  function bringIn(image: SlotImage): void {
    if (!recode(image)) {
      dropped++;
      return;
    }
    const h1 = image.words[image.at + WORD.h1] ?? 0;
    const h2 = image.words[image.at + WORD.h2] ?? 0;
    // what was published since is there already
    if (probe(view, h1, h2, 0) >= 0 || (gone.size > 0 && gone.has(keyOf(h1, h2)))) return;
    const slot = roomSlots(view) >= 1 ? pasteSlot(view, image) : -1;
    if (slot < 0) {
      dropped++;
      return;
    }
    const bytes = accounted(bytesOf(view, slot));
    addSum(view, SUM.used, bytes);
    if ((suspected || tombstones.seq !== seq) && outdated(nameOf(view, slot))) {
      dropSlot(view, slot, bytes);
      dropped++;
      return;
    }
    keepDigest(store, slot, image);
    if (doubtful || isDoubtful(view, slot)) setDoubtful(view, slot, true);
    goLive(store, slot, bytes);
    const facts = learned.size === 0 ? undefined : learned.get(keyOf(h1, h2));
    if (facts !== undefined) writeFacts(view, slot, facts);
  }

  function* steps(): Generator<void, void> {
    for (const words of checkpoint.images) {
      if (words === undefined) damaged++;
      else yield* bringInAll(words);
    }
  }

  function* bringInAll(words: Int32Array): Generator<void, void> {
    const image = beforeImages(words);
    for (let more = true; more; ) {
      mustLock(store);
      try {
        for (let n = 0; more && n < IMAGES_PER_TURN; n++) {
          more = stepImage(image);
          if (more) bringIn(image);
        }
      } finally {
        unlock(view);
      }
      yield;
    }
  }

  return {
    steps: steps(),
    get dropped() {
      return dropped;
    },
    get damaged() {
      return damaged;
    },
  };
}

/** On a full disk without: a file that cannot be proven goes when it must be. */
function keepDigest({ digests }: Store, slot: number, image: SlotImage): void {
  try {
    digests.writeWords(slot, image.digestHigh, image.digestLow);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Before those that are there: an image is older than all that came while it was read. */
function goLive(store: Store, slot: number, bytes: number): void {
  const { view, eviction } = store;
  // what is pinned is for the outbox to say
  if (queueOf(view, slot) === PINNED) setSlotOctet(view, slot, OCTET.queue, SMALL);
  eviction.readmit(slot, "first");
  addSum(view, SUM.live, bytes);
  addWord(view, HEADER.live, 1);
}

/** Sizes that said something else when the checkpoint was taken. */
export function reshaped({ sizes, shapes }: CheckpointHead, view: View): readonly string[] {
  return sizes.filter((name, i) => {
    const code = view.sizes.indexOf(name);
    return code >= 0 && shapes !== undefined && shapes[i] !== view.shapes[code];
  });
}

/** Gives an image the code and hashes its size has now; false when no size of that name and shape is left. */
function recodeOf(before: CheckpointHead, view: View): (image: SlotImage) => boolean {
  const others = reshaped(before, view);
  const codes = before.sizes.map((name) => (others.includes(name) ? -1 : view.sizes.indexOf(name)));
  const same = codes.every((code, i) => code === i);
  if (same) return () => true;
  return ({ words, at }) => {
    const octets = new Uint8Array(words.buffer, words.byteOffset + at * 4);
    const from = octets[OCTET.size] ?? 0;
    const to = codes[from] ?? -1;
    if (to < 0) return false;
    octets[OCTET.size] = to;
    return from === to || rehash(view, { words, at: at + WORD.h1 }, { from, to });
  };
}

/** 53 bits of the two hashes. Names that meet in all of them cost one of them its place in the cache. */
function keyOf(h1: number, h2: number): number {
  return (h1 >>> 0) * 2 ** 21 + (h2 >>> 11);
}

/** Of what was forgotten or evicted since. */
function goneKeys({ view }: Store, last: Journaled["last"]): Set<number> {
  const keys = new Set<number>();
  for (const [name, fields] of last) {
    if (fields === undefined) keys.add(keyOf(firstHash(view, name), secondHash(view, name)));
  }
  return keys;
}

function factsByKey(
  { view }: Store,
  learned: ReadonlyMap<string, FactFields>,
): ReadonlyMap<number, FactFields> {
  const found = new Map<number, FactFields>();
  for (const [name, facts] of learned) {
    found.set(keyOf(firstHash(view, name), secondHash(view, name)), facts);
  }
  return found;
}

/** By the rule of `Purged`: what was in the index at the checkpoint was as new as `ages` says, if it says anything. */
function isOutdated(
  { purged }: Store,
  ages: ReadonlyMap<string, number>,
): (relname: string) => boolean {
  return (relname) => {
    const id = parseRelname(relname)?.id ?? "";
    return !purged.accepts(id, ages.get(id));
  };
}
