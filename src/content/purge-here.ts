/** Carries out purges on this node: tombstone, then drop, then tell every thread, then sweep (spec §11). */

import type { PurgeOrder } from "../cache/tombstone-state.ts";
import { PURGE_SLACK_SECONDS } from "../cache/tombstone-table.ts";
import type { Tombstones } from "../cache/tombstones.ts";
import { type Dropped, dropId } from "./drop-id.ts";
import type { Parts } from "./parts.ts";

/** Between two looks at what is to be swept. */
const SWEEP_MS = 1_000;
/** Seconds after the slack at which nothing that was accepted within it is still being published. */
const SWEEP_AFTER_SECONDS = 1;

export interface PurgeHere {
  /** What was here of each id. Durable and done on every thread when it resolves; throws what cannot be kept. */
  carryOut(orders: readonly PurgeOrder[]): Promise<readonly Dropped[]>;
  /** Drops what was kept in the slack of purges whose slack is over. */
  sweep(): Promise<void>;
  close(): void;
}

/** On the main thread, which alone writes tombstones. `withdraw` tells how many uploads an order took back. */
export function makePurgeHere(
  parts: Pick<Parts, "cache" | "local" | "announce" | "counters" | "clock" | "log">,
  tombstones: Tombstones,
  withdraw: (order: PurgeOrder) => number,
): PurgeHere {
  const { counters, clock, log } = parts;
  const unswept = new Set(tombstones.unswept);
  let timer: Timer | undefined;
  let closed = false;

  const drop = async (ids: readonly string[], stage: "dropped" | "swept"): Promise<Dropped[]> => {
    const dropped = ids.map((id) => dropId(parts, id));
    for (const id of ids) tombstones.reached(id, stage);
    counters.add(
      "purged",
      dropped.reduce((total, { variants }) => total + variants, 0),
    );
    if (ids.length > 0) await parts.announce({ ids, webIds: [], purged: true });
    return dropped;
  };

  const isDue = (id: string): boolean => {
    const { purgedAt = 0 } = tombstones.get(id) ?? {};
    return purgedAt + PURGE_SLACK_SECONDS + SWEEP_AFTER_SECONDS <= clock.wallSeconds();
  };

  const sweep = async (): Promise<void> => {
    const due = [...unswept].filter(isDue);
    for (const id of due) unswept.delete(id);
    if (unswept.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    await drop(due, "swept");
  };

  const sweepLater = (): void => {
    if (timer !== undefined || closed || unswept.size === 0) return;
    timer = setInterval(() => {
      sweep().catch((error: unknown) => log.error("sweep after a purge failed", { error }));
    }, SWEEP_MS);
  };
  sweepLater();

  /** After the tombstones are written, so that none comes in behind it. */
  const withdrawn = (orders: readonly PurgeOrder[]): ReadonlyMap<string, number> => {
    const taken = new Map<string, number>();
    for (const order of orders) {
      if (order.action === "withdraw") taken.set(order.id, withdraw(order));
    }
    return taken;
  };

  return {
    sweep,
    async carryOut(orders) {
      tombstones.apply(orders);
      const all = [...new Set(orders.map(({ id }) => id))];
      const purges = orders.filter(({ action }) => action !== "unblock");
      const ids = [...new Set(purges.map(({ id }) => id))];
      const taken = withdrawn(orders);
      const found = new Map((await drop(ids, "dropped")).map((one) => [one.id, one]));
      for (const id of ids) unswept.add(id);
      sweepLater();
      const [example] = orders;
      log.info("purged", { orders: orders.length, action: example?.action, example: example?.id });
      return all.map((id) => {
        const uploads = taken.get(id) ?? 0;
        const dropped = found.get(id) ?? { id, variants: 0, bytes: 0 };
        return uploads === 0 ? dropped : { ...dropped, uploads };
      });
    },
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}
