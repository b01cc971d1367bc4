/** Tombstones: what orders come to, what threads see of them, and when it is over. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  afterOrder,
  ordersOf,
  type PurgeOrder,
  type PurgeState,
  PurgeStates,
} from "../../../src/cache/tombstone-state.ts";
import {
  createTombstoneTable,
  TOMBSTONE_LIFE_SECONDS,
  TombstoneTable,
} from "../../../src/cache/tombstone-table.ts";
import { block, emptyDir, NOW, openAt, purge, unblock } from "../../support/tombstones.ts";

describe("orders", () => {
  const order = fc.record({
    id: fc.constant("harbour"),
    purgedAt: fc.integer({ min: 1, max: 4 }),
    action: fc.constantFrom("purge" as const, "block" as const, "unblock" as const),
  });
  const outcome = (orders: readonly PurgeOrder[]) => {
    let state: PurgeState | undefined;
    for (const one of orders) state = afterOrder(state, one, 0) ?? state;
    return state;
  };

  test("come to the same state in whatever order, however often they come", () => {
    fc.assert(
      fc.property(fc.array(order, { maxLength: 6 }), fc.infiniteStream(fc.nat()), (orders, at) => {
        const shuffled = orders
          .concat(orders)
          .map((one) => ({ one, key: at.next().value ?? 0 }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(outcome(shuffled)).toEqual(outcome(orders));
      }),
    );
  });

  test("bring another node to the same state", () => {
    fc.assert(
      fc.property(fc.array(order, { minLength: 1, maxLength: 6 }), (orders) => {
        const state = outcome(orders);
        if (state === undefined) throw new Error("an order without an outcome");
        expect(outcome(ordersOf(state))).toEqual(state);
      }),
    );
  });

  test("of one second: the block holds", () => {
    expect(outcome([block("harbour"), unblock("harbour")])?.blocked).toBe(true);
    expect(outcome([unblock("harbour"), block("harbour")])?.blocked).toBe(true);
    expect(outcome([block("harbour"), unblock("harbour", NOW + 1)])?.blocked).toBe(false);
  });
});

describe("the table that threads read", () => {
  test("says of an id what was written last, and nothing of others", () => {
    const memory = createTombstoneTable(1000);
    const written = new TombstoneTable(memory);
    const read = new TombstoneTable(memory);
    expect(read.look("id-0000", NOW)).toBeUndefined();
    for (let i = 0; i < 1000; i++) {
      const tombstone = { purgedAt: NOW + i, stage: "dropped", blocked: i % 2 === 0 } as const;
      written.write(`id-${i}`, tombstone, NOW);
    }
    for (let i = 0; i < 1000; i++) {
      const tombstone = { purgedAt: NOW + i, stage: "dropped", blocked: i % 2 === 0 } as const;
      expect(read.look(`id-${i}`, NOW)).toEqual(tombstone);
    }
    expect(read.look("id-1000", NOW)).toBeUndefined();
  });

  test("gives the place of one that is over to another, so that it never fills up", () => {
    const memory = createTombstoneTable(8);
    const table = new TombstoneTable(memory);
    for (let i = 0; i < 1000; i++) {
      const now = NOW + i * TOMBSTONE_LIFE_SECONDS;
      table.write(`id-${i}`, { purgedAt: now, stage: "swept", blocked: false }, now);
      expect(table.look(`id-${i}`, now)?.purgedAt).toBe(now);
      expect(table.look(`id-${i - 1}`, now)).toBeUndefined();
    }
  });

  test("remembers a purge for 30 days and a block until it is lifted", () => {
    const table = new TombstoneTable(createTombstoneTable(8));
    table.write("purged-1", { purgedAt: NOW, stage: "swept", blocked: false }, NOW);
    table.write("blocked1", { purgedAt: NOW, stage: "swept", blocked: true }, NOW);
    const last = NOW + TOMBSTONE_LIFE_SECONDS - 1;
    expect(table.look("purged-1", last)?.purgedAt).toBe(NOW);
    expect(table.look("purged-1", last + 1)).toBeUndefined();
    expect(table.look("blocked1", last + 1)).toEqual({
      purgedAt: 0,
      stage: "swept",
      blocked: true,
    });
  });
});

describe("at most so many ids", () => {
  const state = (id: string, purgedAt: number, blocked = false): PurgeState => ({
    ...{ id, purgedAt, withdrawnAt: 0, blocked, changedAt: 0, seq: purgedAt },
  });

  test("what is over makes room first, then the oldest purge", () => {
    const states = new PurgeStates(3);
    states.put(state("old-one", NOW - TOMBSTONE_LIFE_SECONDS));
    states.put(state("younger", NOW - 10));
    states.put(state("older-1", NOW - 20));
    expect(states.makeRoom(NOW)?.map(({ id }) => id)).toEqual(["old-one"]);
    states.put(state("newest1", NOW));
    expect(states.makeRoom(NOW)?.map(({ id }) => id)).toEqual(["older-1"]);
    expect(states.size).toBe(2);
  });

  test("blocks are never forgotten for room", () => {
    const states = new PurgeStates(2);
    states.put(state("taken-1", NOW, true));
    states.put(state("taken-2", NOW, true));
    expect(states.makeRoom(NOW)).toBeUndefined();
    expect(states.size).toBe(2);
  });
});

describe("a variant", () => {
  test("is accepted when its source was read 5 s after the purge, or within them while they last", () => {
    using dir = emptyDir();
    const wall = { seconds: NOW };
    const { tombstones, purged } = openAt(dir, wall);
    expect(purged.accepts("harbour", undefined)).toBe(true);
    tombstones.apply([purge("harbour")]);
    const accepted = (sourceAt: number | undefined): boolean => purged.accepts("harbour", sourceAt);
    expect([undefined, NOW - 1, NOW, NOW + 4].map(accepted)).toEqual([false, false, true, true]);
    wall.seconds = NOW + 5;
    expect([undefined, NOW, NOW + 4, NOW + 5].map(accepted)).toEqual([false, false, false, true]);
    expect(purged.accepts("another", undefined)).toBe(true);
  });

  test("is outdated when it is from before the purge, or does not say", () => {
    using dir = emptyDir();
    const { tombstones, purged } = openAt(dir, { seconds: NOW });
    expect(purged.outdated("harbour", undefined)).toBe(false);
    tombstones.apply([purge("harbour")]);
    const outdated = [undefined, NOW - 1, NOW].map((at) => purged.outdated("harbour", at));
    expect(outdated).toEqual([true, true, false]);
  });

  test("of this disk is as new as what main has dropped so far makes it", () => {
    using dir = emptyDir();
    const { tombstones, purged } = openAt(dir, { seconds: NOW });
    expect(purged.sourceAt("harbour")).toBeUndefined();
    tombstones.apply([purge("harbour")]);
    expect(purged.sourceAt("harbour")).toBeUndefined();
    tombstones.reached("harbour", "dropped");
    expect(purged.sourceAt("harbour")).toBe(NOW);
    tombstones.reached("harbour", "swept");
    expect(purged.sourceAt("harbour")).toBe(NOW + 5);
    expect(purged.stamp("harbour")).toBe(NOW);
    tombstones.apply([purge("harbour", NOW + 9)]);
    expect(purged.sourceAt("harbour")).toBeUndefined();
    expect(purged.stamp("harbour")).toBe(NOW + 9);
  });

  test("of a blocked id is refused", () => {
    using dir = emptyDir();
    const { tombstones, purged } = openAt(dir, { seconds: NOW });
    tombstones.apply([block("harbour")]);
    expect(() => purged.refuseBlocked("harbour")).toThrow(
      expect.objectContaining({ code: "blocked" }),
    );
    purged.refuseBlocked("another");
    tombstones.apply([unblock("harbour", NOW + 1)]);
    purged.refuseBlocked("harbour");
    expect(purged.accepts("harbour", NOW - 1)).toBe(false);
  });
});
