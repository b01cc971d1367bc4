/** Moving content to its owners: what goes, what stays, and what is tried again. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { EpochState } from "../../../src/content/epoch-file.ts";
import { belongsTo } from "../../../src/content/move.ts";
import { makeRebalancer } from "../../../src/content/rebalance.ts";
import { metaOf, put, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { makeNodeParts, notThere, type PlayedPeers, replyOf } from "../../support/node-parts.ts";
import { until } from "../../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const NAMES = Array.from({ length: 30 }, (_, n) => relnameOfNumber(n));
const FRESH: EpochState = {
  epoch: "0000000000000001",
  since: 1000,
  settled: false,
  moved: 0,
  movedBytes: 0,
};

/** edge-1 with all the names, about to move what is not its own; waits are the test's to end. */
function start(
  options: {
    readonly peers?: PlayedPeers;
    readonly draining?: readonly string[];
    readonly state?: Partial<EpochState>;
    readonly pinned?: readonly string[];
    readonly rate?: string;
  } = {},
) {
  const { peers = {}, draining = [], state = {}, pinned = [], rate = "1GiB" } = options;
  const routing = { rebalance_bytes_per_second: rate };
  const node = makeNodeParts({ self: "edge-1", edges: EDGES, draining, routing, peers });
  const { parts, watched } = node;
  for (const name of NAMES) putBytes(parts.cache, name, 5000);
  for (const name of pinned) parts.cache.pin(name);
  const saved: EpochState[] = [];
  const turns: number[] = [];
  const waits: { run: () => void; waitMs: number }[] = [];
  const rebalancer = makeRebalancer({
    parts,
    state: { ...FRESH, ...state },
    save: (now) => saved.push(now),
    later(run, waitMs) {
      // the throttle's waits end at once, those between passes when the test says so
      if (rebalancer.status().state === "moving") {
        turns.push(waitMs);
        queueMicrotask(run);
      } else waits.push({ run, waitMs });
      return () => {};
    },
  });
  const foreign = NAMES.filter((name) => belongsTo(parts, name) !== undefined);
  const held = (): string[] => NAMES.filter((name) => parts.cache.peek(name) !== undefined);
  const passes = async (count: number): Promise<void> =>
    until(() => {
      const { passes: done, state: now } = rebalancer.status();
      return done >= count && now !== "counting" && now !== "moving";
    }, `${count} passes`);
  return { ...node, node, watched, rebalancer, saved, turns, waits, foreign, held, passes };
}

describe("a pass", () => {
  test("tells each variant that is another's to its owner, drops it here, and is settled then", async () => {
    const bench = start();
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.foreign.length).toBeGreaterThan(10);
    expect(bench.told.map(({ message }) => message.kind)).toEqual(
      bench.foreign.map(() => "rebalance"),
    );
    for (const { peer, message } of bench.told) {
      const relname = message.kind === "rebalance" ? message.meta.relname : "";
      expect(peer).toBe(belongsTo(bench.parts, relname) ?? "its own");
    }
    expect(bench.held()).toEqual(NAMES.filter((name) => !bench.foreign.includes(name)));
    const moved = bench.foreign.length;
    expect(bench.rebalancer.status()).toMatchObject({
      ...{ state: "idle", settled: true, moved, movedBytes: moved * 5000, left: 0, failed: 0 },
    });
    expect(bench.saved.at(-1)).toEqual({
      ...FRESH,
      settled: true,
      moved,
      movedBytes: moved * 5000,
    });
    expect(bench.watched.count("rebalance_moved")).toBe(moved);
  });

  test("is not made where all is settled, until somebody wishes it", async () => {
    const bench = start({ state: { settled: true } });
    using _ = bench.node;
    expect(bench.rebalancer.status()).toMatchObject({ state: "idle", passes: 0 });
    bench.rebalancer.start();
    await bench.passes(1);
    expect(bench.told.length).toBe(bench.foreign.length);
  });

  test("goes on counting where a restart interrupted it", async () => {
    const bench = start({ state: { moved: 100, movedBytes: 1_000_000 } });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.rebalancer.status().moved).toBe(100 + bench.foreign.length);
  });

  test("waits its turn when it may send little", async () => {
    const bench = start({ rate: "10KiB" });
    using _ = bench.node;
    await bench.passes(1);
    // all but the first wait for the bytes before them, at half a second each
    const turnMs = (5000 / 10_240) * 1000;
    expect(bench.turns.map(Math.round)).toEqual(
      bench.foreign.slice(1).map((_name, n) => Math.round((n + 1) * turnMs)),
    );
  });

  test("drops what the owner has already", async () => {
    const bench = start({ peers: { tell: async () => "already" } });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.held().length).toBe(NAMES.length - bench.foreign.length);
  });

  test("leaves pinned uploads where they are", async () => {
    const before = start({ state: { settled: true } });
    using __ = before.node;
    const [one = ""] = before.foreign;
    const bench = start({ pinned: [one] });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.held()).toContain(one);
    expect(bench.told.length).toBe(bench.foreign.length - 1);
  });

  test("asks before it sends what is large", async () => {
    const bytes = LIMITS.rebalanceAskBytes + 1;
    const bench = start({
      state: { settled: true },
      peers: {
        async ask(peer, request) {
          if (peer === "edge-2") return replyOf(metaOf(request.relname, bytes), request);
          throw notThere();
        },
      },
    });
    using _ = bench.node;
    const large = NAMES.map((_name, n) => relnameOfNumber(100 + n));
    for (const name of large) put(bench.parts.cache, metaOf(name, bytes));
    bench.rebalancer.start();
    await bench.passes(1);
    const sent = bench.told.flatMap(({ message }) =>
      message.kind === "rebalance" && message.meta.bytes === bytes ? [message.meta.relname] : [],
    );
    expect(sent.sort()).toEqual(
      large.filter((name) => belongsTo(bench.parts, name) === "edge-3").sort(),
    );
    const here = large.filter((name) => bench.parts.cache.peek(name) !== undefined);
    expect(here).toEqual(large.filter((name) => belongsTo(bench.parts, name) === undefined));
  });
});

describe("what cannot be moved", () => {
  test("stays, and is tried again later and later until it can", async () => {
    let away = true;
    const bench = start({
      peers: {
        async tell(peer) {
          if (away && peer === "edge-3") throw new Fault("peer_failed", "edge-3 is away");
          return "stored";
        },
      },
    });
    using _ = bench.node;
    await bench.passes(1);
    const left = bench.foreign.filter((name) => belongsTo(bench.parts, name) === "edge-3");
    expect(left.filter((name) => !bench.held().includes(name))).toEqual([]);
    expect(bench.rebalancer.status()).toMatchObject({
      ...{ state: "waiting", settled: false, failed: left.length, fault: "edge-3 is away" },
      ...{ left: left.length, leftBytes: left.length * 5000 },
    });
    // an owner that is away is told a few, not thousands
    const toldThird = bench.told.filter(({ peer }) => peer === "edge-3").length;
    expect(toldThird).toBeLessThanOrEqual(LIMITS.rebalanceAtOnce);
    bench.waits.at(-1)?.run();
    await bench.passes(2);
    away = false;
    bench.waits.at(-1)?.run();
    await bench.passes(3);
    expect(bench.rebalancer.status()).toMatchObject({ state: "idle", settled: true, failed: 0 });
    expect(bench.held().length).toBe(NAMES.length - bench.foreign.length);
    expect(bench.waits.map(({ waitMs }) => waitMs)).toEqual([2000, 4000]);
  });

  test("because its size is none at the owner, or another one, goes: it can be made again", async () => {
    const bench = start({
      peers: { tell: () => Promise.reject(new Fault("bad_size", "there is no size md here")) },
    });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.held().length).toBe(NAMES.length - bench.foreign.length);
    expect(bench.rebalancer.status()).toMatchObject({ left: 0, failed: 0, moved: 0 });
  });

  test("for want of room at the owner is left alone", async () => {
    const bench = start({
      peers: { tell: () => Promise.reject(new Fault("disk_full", "no room there")) },
    });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.held()).toEqual(NAMES);
    const failed = bench.foreign.length;
    expect(bench.rebalancer.status()).toMatchObject({ state: "idle", settled: true, failed });
    expect(bench.told.length).toBe(failed);
  });
});

describe("a node that drains", () => {
  test("moves everything, says when it is empty, and looks again now and then", async () => {
    const bench = start({ draining: ["edge-1"] });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.foreign).toEqual(NAMES);
    expect(bench.held()).toEqual([]);
    expect(bench.watched.lines.join()).toContain("drained empty");
    putBytes(bench.parts.cache, NAMES[0] ?? "");
    bench.waits.at(-1)?.run();
    await bench.passes(2);
    expect(bench.held()).toEqual([]);
  });

  test("is not empty while an upload waits to be handed on", async () => {
    const [one = ""] = NAMES;
    const bench = start({ draining: ["edge-1"], pinned: [one] });
    using _ = bench.node;
    await bench.passes(1);
    expect(bench.held()).toEqual([one]);
    expect(bench.rebalancer.status().state).toBe("waiting");
    expect(bench.watched.lines.join()).not.toContain("drained empty");
    bench.parts.cache.unpin(one);
    bench.waits.at(-1)?.run();
    await bench.passes(2);
    expect(bench.watched.lines.join()).toContain("drained empty");
  });
});

describe("while a pass is under way", () => {
  /** Owners take nothing until they are let. */
  function held() {
    const gate = Promise.withResolvers<string>();
    const bench = start({ peers: { tell: () => gate.promise } });
    return { bench, gate };
  }

  test("a few variants are on their way at once and no more", async () => {
    const { bench, gate } = held();
    using _ = bench.node;
    await until(() => bench.told.length === LIMITS.rebalanceAtOnce);
    for (let turns = 0; turns < 100; turns++) await new Promise((done) => setImmediate(done));
    expect(bench.told.length).toBe(LIMITS.rebalanceAtOnce);
    gate.resolve("stored");
    await bench.passes(1);
  });

  test("a wish for one is another whole pass after it", async () => {
    const { bench, gate } = held();
    using _ = bench.node;
    await until(() => bench.told.length > 0);
    bench.rebalancer.start();
    bench.rebalancer.start();
    gate.resolve("stored");
    await bench.passes(2);
    expect(bench.rebalancer.status().passes).toBe(2);
  });

  test("another topology begins a state of its own, which only a pass of its own settles", async () => {
    const { bench, gate } = held();
    using _ = bench.node;
    await until(() => bench.told.length > 0);
    bench.rebalancer.follow({ ...FRESH, epoch: "0000000000000002" });
    gate.resolve("stored");
    await bench.passes(2);
    expect(bench.saved.at(-1)).toMatchObject({ epoch: "0000000000000002", settled: true });
  });

  test("a stop begins nothing more, waits for what is under way and remembers that it is not done", async () => {
    const { bench, gate } = held();
    using _ = bench.node;
    await until(() => bench.told.length === LIMITS.rebalanceAtOnce);
    const stopped = bench.rebalancer.stop();
    gate.resolve("stored");
    await stopped;
    expect(bench.told.length).toBe(LIMITS.rebalanceAtOnce);
    expect(bench.saved.at(-1)).toMatchObject({ settled: false, moved: LIMITS.rebalanceAtOnce });
    bench.rebalancer.start();
    expect(bench.told.length).toBe(LIMITS.rebalanceAtOnce);
  });
});
