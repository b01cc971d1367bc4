/** Removing an original from a store, under every name it may lie at (`mir purge --origin`). */

import { Fault } from "../base/fault.ts";
import { isContentId } from "../base/variant.ts";
import { allOriginNames } from "./names.ts";
import type { OriginParts } from "./port.ts";
import { type Store, tooSlow } from "./store.ts";

/** Names that are asked about at once. */
const AT_ONCE = 8;

/** How many names there were. Looked for first: removing what is not there would cost more, and tell nothing. */
export async function removeOriginal(
  store: Store,
  parts: OriginParts,
  options: { readonly id: string; readonly deadlineMs: number },
): Promise<number> {
  const { clock, counters, waits } = parts;
  const { id, deadlineMs } = options;
  if (!isContentId(id)) throw new Fault("bad_request", "that is no content id");
  const endAt = clock.monotonicMs() + deadlineMs;
  const waitMs = (): number => {
    const left = endAt - clock.monotonicMs();
    if (left <= 0) throw tooSlow();
    return Math.min(left, waits.probeMs);
  };
  let removed = 0;
  const names = allOriginNames(id, store.upperCase);
  const queue = names.values();
  const turn = async (): Promise<void> => {
    for (const { path } of queue) {
      counters.add("origin_probe");
      if ((await store.probe(path, waitMs())) === undefined) continue;
      if (await store.remove(path, waitMs())) removed++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
  // a store that is away as a whole holds nothing either
  const [first] = names;
  if (removed === 0 && first !== undefined) await store.verify(first.path, waitMs());
  return removed;
}
