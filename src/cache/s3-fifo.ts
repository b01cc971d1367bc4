/**
 * S3-FIFO by bytes (SOSP'23): newcomers pass through a small queue of a tenth; only what is seen again
 * there, or soon after it left, reaches the main queue. One-hit wonders thus leave first.
 */

import type { Eviction } from "./eviction.ts";
import { addGhost, takeGhost } from "./ghost.ts";
import { HEADER, OCTET, SUM, USE, WORD } from "./layout.ts";
import { accounted } from "./ledger.ts";
import { headOf, MAIN, push, pushFirst, queueOf, SMALL, unlink } from "./queues.ts";
import { bytesOf } from "./slots.ts";
import { addSum, setSlotOctet, slotOctet, slotWord, sum, type View } from "./view.ts";

const SMALL_SHARE = 0.1;
/** Hits in the small queue that make a variant worth keeping; in the main queue each gives one more round. */
const SEEN_ENOUGH = 1;

export function makeS3Fifo(view: View): Eviction {
  const { words } = view;

  function enter(queue: number, slot: number, end: "first" | "last" = "last"): void {
    if (end === "last") push(view, queue, slot);
    else pushFirst(view, queue, slot);
    if (queue === SMALL) addSum(view, SUM.small, accounted(bytesOf(view, slot)));
  }

  function leave(slot: number): void {
    unlink(view, slot);
    if (queueOf(view, slot) === SMALL) addSum(view, SUM.small, -accounted(bytesOf(view, slot)));
  }

  /** The queue whose turn it is to lose its first slot. */
  function turn(): number {
    if (headOf(view, MAIN) < 0) return SMALL;
    if (headOf(view, SMALL) < 0) return MAIN;
    return sum(view, SUM.small) > sum(view, SUM.capacity) * SMALL_SHARE ? SMALL : MAIN;
  }

  /** Moves the first slot of the queue on, or names it the victim. Each move uses up hits, so moves end. */
  function judge(queue: number, slot: number): number {
    const use = slotOctet(view, slot, OCTET.freq);
    const hits = use % USE.sweep;
    leave(slot);
    if (queue === SMALL && hits >= SEEN_ENOUGH) {
      setSlotOctet(view, slot, OCTET.freq, use - hits);
      enter(MAIN, slot);
      return -1;
    }
    if (queue === MAIN && hits > 0) {
      setSlotOctet(view, slot, OCTET.freq, use - 1);
      enter(MAIN, slot);
      return -1;
    }
    if (queue === SMALL) {
      const [h1, h2] = [slotWord(view, slot, WORD.h1), slotWord(view, slot, WORD.h2)];
      addGhost(view, h1, h2, accounted(bytesOf(view, slot)));
    }
    return slot;
  }

  return {
    admit(slot) {
      const known = takeGhost(view, slotWord(view, slot, WORD.h1), slotWord(view, slot, WORD.h2));
      enter(known ? MAIN : SMALL, slot);
    },
    readmit: (slot, end) => enter(queueOf(view, slot) === MAIN ? MAIN : SMALL, slot, end),
    remove: leave,
    victim() {
      for (;;) {
        const queue = turn();
        const slot = headOf(view, queue);
        if (slot < 0) return -1;
        const victim = judge(queue, slot);
        if (victim >= 0) return victim;
      }
    },
    reset() {
      for (const queue of [SMALL, MAIN]) {
        words[HEADER.heads + queue] = 0;
        words[HEADER.tails + queue] = 0;
      }
      view.sums[SUM.small] = 0;
    },
  };
}
