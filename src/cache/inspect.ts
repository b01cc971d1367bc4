/** Looks at the file of a variant: whether it still is what was published, byte for byte. */

import { join } from "node:path";
import { NO_DIGEST } from "./digests.ts";
import { type FileDigest, fileDigest } from "./file-digest.ts";
import { HALF, STATE } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import { isPinned } from "./pins.ts";
import { type Plan, planLive, retire } from "./room.ts";
import { type Seat, stands } from "./seat.ts";
import { setAside } from "./set-aside.ts";
import { bytesOf, findSlot, setDoubtful, stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { firstHash, secondHash, slotHalf, type View } from "./view.ts";

export type Verdict =
  /** It may be served. */
  | "sound"
  /** It was not what it should be: it is set aside, counted and out of the index. */
  | "damaged"
  /** There was no file; the index knows it no more. */
  | "gone"
  /** It cannot be read just now, or became another one meanwhile: not to be served on this word. */
  | "unknown";

interface Subject {
  readonly relname: string;
  readonly slot: number;
  readonly version: number;
  readonly bytes: number;
}

/** Yields between pieces of a large file. What is sound is in doubt no more. Never throws. */
export function* inspect(store: Store, relname: string): Generator<void, Verdict> {
  const subject = find(store, relname);
  if (subject === undefined) return "gone";
  const found = yield* fileDigest(join(store.dir, relname), subject.bytes);
  return conclude(store, subject, found);
}

function find(store: Store, relname: string): Subject | undefined {
  const { view } = store;
  mustLock(store);
  try {
    const slot = findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
    if (slot < 0 || stateOf(view, slot) !== STATE.live) return undefined;
    return { relname, slot, version: versionOf(view, slot), bytes: bytesOf(view, slot) };
  } finally {
    unlock(view);
  }
}

function conclude(store: Store, subject: Subject, found: FileDigest): Verdict {
  const { view } = store;
  const { slot, version, relname } = subject;
  const expected = digestOf(store, subject);
  if (found.kind === "unread" || (found.kind === "digest" && expected === undefined)) {
    store.log.warn("cache.unread", { relname, found, effect: "not served from here" });
    return "unknown";
  }
  const right = found.kind === "digest" && found.digest === expected;
  let plan: Plan;
  let pinned = false;
  mustLock(store);
  try {
    if (stateOf(view, slot) !== STATE.live || versionOf(view, slot) !== version) return "unknown";
    if (right) setDoubtful(view, slot, false);
    if (right) return "sound";
    pinned = isPinned(view, slot);
    plan = planLive(store, [slot]);
  } finally {
    unlock(view);
  }
  const missing = found.kind === "missing";
  if (!missing) tell(store, subject, { found, pinned });
  retire(store, plan);
  return missing ? "gone" : "damaged";
}

/** What was published there, by its record. */
export function digestAt(store: Store, seat: Seat): string | undefined {
  const digest = digestOf(store, seat);
  // read apart from the slot, which may be another's by now
  return stands(store.view, seat) ? digest : undefined;
}

/** Read apart from the slot: a digest that belongs to the next one in there shows by the slot's version. */
function digestOf(store: Store, { slot }: Pick<Subject, "slot">): string | undefined {
  try {
    const digest = store.digests.read(slot);
    return digest === NO_DIGEST ? undefined : digest;
  } catch (error) {
    store.log.error("cache.digests_unread", { error, dir: store.dir });
    return undefined;
  }
}

function tell(
  store: Store,
  { relname, bytes }: Subject,
  what: { readonly found: FileDigest; readonly pinned: boolean },
): void {
  const { found, pinned } = what;
  const why = found.kind === "unfit" ? found.why : "its bytes are not those that were published";
  const kept = setAside(store, relname, pinned);
  store.counters.add("corrupt");
  store.log.error("cache.damaged", {
    ...{ relname, bytes, why, kept, dir: store.dir },
    effect: pinned
      ? "an upload that was acknowledged cannot be handed on"
      : "it is fetched or made again",
  });
}

function versionOf(view: View, slot: number): number {
  return slotHalf(view, slot, HALF.version);
}
