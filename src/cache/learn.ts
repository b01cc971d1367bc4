/** Facts of an original that became known later than the variant was kept. */

import type { Facts } from "../base/variant.ts";
import { learnRecord } from "./journal.ts";
import { FLAG, HALF, OCTET, STATE, SUM } from "./layout.ts";
import { accounted, chargeJournal, roomBytes } from "./ledger.ts";
import { tryLock, unlock } from "./lock.ts";
import { packFacts } from "./meta.ts";
import { findSlot, stateOf, writeFacts } from "./slots.ts";
import type { Store } from "./store.ts";
import { firstHash, secondHash, slotHalf, slotOctet, sum } from "./view.ts";

/** A hint that may be lost: it is not recorded when there is no room for its record. */
export function learn(store: Store, relname: string, facts: Facts): void {
  const { view } = store;
  if (!tryLock(store)) return;
  let journal: number | undefined;
  let text = "";
  try {
    const slot = findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
    if (slot < 0 || stateOf(view, slot) !== STATE.live) return;
    const old = slotOctet(view, slot, OCTET.flags);
    const next = packFacts(facts, old >> FLAG.lossyShift);
    if (next === undefined) {
      store.log.warn("cache.facts_refused", { relname, ...facts });
      return;
    }
    const width = slotHalf(view, slot, HALF.width);
    if (
      next.flags === (old & ~FLAG.doubtful) &&
      next.width === width &&
      next.height === slotHalf(view, slot, HALF.height)
    )
      return;
    writeFacts(view, slot, next);
    text = learnRecord(relname, next);
    const grows =
      accounted(sum(view, SUM.journal) + text.length) - accounted(sum(view, SUM.journal));
    if (grows <= roomBytes(view)) journal = chargeJournal(view, text.length);
  } finally {
    unlock(view);
  }
  if (journal !== undefined) appendFacts(store, journal, text);
}

function appendFacts(store: Store, journal: number, text: string): void {
  try {
    store.journal.append(journal, [text]);
  } catch (error) {
    store.log.warn("cache.journal_failed", {
      error,
      effect: "facts will be looked at again after a restart",
    });
  }
}
