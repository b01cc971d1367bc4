/** Single records brought into the index: those of the journal at a start, and what the outbox says. */

import type { VariantMeta } from "../base/variant.ts";
import { writeIfRoom } from "./digests.ts";
import type { PublishFields, VariantRecord } from "./journal.ts";
import { FLAG, HEADER, OCTET, STATE, SUM } from "./layout.ts";
import { accounted, roomSlots } from "./ledger.ts";
import { factsOf, packMeta } from "./meta.ts";
import { removeLive } from "./pins.ts";
import { dropSlot, uncountLive } from "./room.ts";
import { bytesOf, findSlot, setDoubtful, stateOf, takeSlot, writeFacts } from "./slots.ts";
import type { Store } from "./store.ts";
import { addSum, addWord, firstHash, secondHash, setSlotOctet } from "./view.ts";

/** Takes a live slot out of everything, its file being gone or not its own. */
function dropLive(store: Store, slot: number): void {
  const bytes = accounted(bytesOf(store.view, slot));
  removeLive(store.view, store.eviction, slot);
  uncountLive(store.view, slot);
  dropSlot(store.view, slot, bytes);
}

/** False when the index has no place for it. Under the lock, or before workers run. */
export function applyRecord(store: Store, record: VariantRecord, doubtful = false): boolean {
  const { view } = store;
  const relname = record.kind === "publish" ? record.fields.relname : record.relname;
  const h1 = firstHash(view, relname);
  const h2 = secondHash(view, relname);
  const slot = findSlot(view, h1, h2, relname);
  // of a thread that died: it is in no queue, and whoever makes room next sees to it
  if (slot >= 0 && stateOf(view, slot) !== STATE.live) return false;
  switch (record.kind) {
    case "publish":
      if (slot >= 0) dropLive(store, slot);
      return restoreSlot(store, record.fields, { h1, h2, doubtful });
    case "learn":
      if (slot >= 0) writeFacts(view, slot, record.facts);
      return true;
    case "forget":
      if (slot >= 0) dropLive(store, slot);
      return true;
  }
}

function restoreSlot(
  store: Store,
  fields: PublishFields,
  how: { readonly h1: number; readonly h2: number; readonly doubtful: boolean },
): boolean {
  const { h1, h2, doubtful } = how;
  const { view, worker } = store;
  const packed = packMeta(metaOf(fields));
  if (typeof packed === "string" || roomSlots(view) < 1) return false;
  // its removal may not have been recorded, or it was read from the store before a purge
  if (!store.purged.accepts(packed.variant.id, fields.sourceAt)) return false;
  const slot = takeSlot(view, { h1, h2, variant: packed.variant }, packed.content, worker);
  if (slot < 0) return false;
  writeIfRoom(() => store.digests.write(slot, fields.digest));
  const bytes = accounted(fields.bytes);
  setDoubtful(view, slot, doubtful);
  setSlotOctet(view, slot, OCTET.freq, fields.freq);
  setSlotOctet(view, slot, OCTET.queue, fields.queue);
  setSlotOctet(view, slot, OCTET.state, STATE.live);
  store.eviction.readmit(slot);
  addSum(view, SUM.used, bytes);
  addSum(view, SUM.live, bytes);
  addWord(view, HEADER.live, 1);
  return true;
}

function metaOf(fields: PublishFields): VariantMeta {
  const { relname, bytes, validator, modified, width, height, flags } = fields;
  const facts = factsOf(width, height, flags);
  return { relname, bytes, validator, modified, facts, lossySteps: flags >> FLAG.lossyShift };
}
