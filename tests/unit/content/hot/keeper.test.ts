/** The background task of an owner: what it has copied, where to, and what it forgets. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../../src/base/deadlines.ts";
import { LIMITS } from "../../../../src/base/limits.ts";
import { relnameOf } from "../../../../src/base/variant.ts";
import type { HotNews } from "../../../../src/content/hot/hot.ts";
import { HotKeeper } from "../../../../src/content/hot/keeper.ts";
import { metaOf, put } from "../../../support/cache-dir.ts";
import { makeNodeParts, type PlayedPeers } from "../../../support/node-parts.ts";

const EDGES = ["a", "b", "c", "d", "e", "f"];

/** The first ids that a server owns. */
function idsOf(node: ReturnType<typeof makeNodeParts>, owner: string, count: number): string[] {
  const ids: string[] = [];
  for (let n = 0; ids.length < count; n++) {
    const id = `picture${n}`;
    if (node.parts.ownership.topRanks(0, undefined, id)[0] === owner) ids.push(id);
  }
  return ids;
}

function make(options: { peers?: PlayedPeers; routing?: object } = {}) {
  const node = makeNodeParts({ self: "a", edges: EDGES, ...options });
  const news: HotNews[] = [];
  const totals = { requests: 0, answers: 0 };
  const keeper = new HotKeeper({
    parts: node.parts,
    totals: () => ({ ...totals }),
    publish: (one) => news.push(one),
  });
  const { clock } = node.watched;
  const [id = ""] = idsOf(node, "a", 1);
  const relname = relnameOf({ id, size: "sm", ext: "jpg" });
  put(node.parts.cache, metaOf(relname, 100));
  return {
    ...{ node, keeper, news, id, relname, totals, clock },
    report: (count: number, of = relname) =>
      keeper.report({ asked: [[of, count]], alive: [], loads: [] }),
    /** A second later, with what was told acknowledged. */
    async tick() {
      clock.advance(DEADLINES.hotTickMs);
      keeper.tick();
      await new Promise((resolve) => setImmediate(resolve));
    },
    warmed: () => node.told.map(({ peer }) => peer),
    [Symbol.dispose]: () => node[Symbol.dispose](),
  };
}

describe("an owner", () => {
  test("has nothing copied below the threshold, nor what it has not on disk, nor what others own", async () => {
    using hot = make();
    hot.report(4);
    const [other = ""] = idsOf(hot.node, "b", 1);
    hot.report(100, relnameOf({ id: other, size: "sm", ext: "jpg" }));
    hot.report(1, relnameOf({ id: hot.id, size: "md", ext: "jpg" }));
    await hot.tick();
    expect(hot.warmed()).toEqual([]);
    expect(
      hot.keeper
        .status()
        .items.map(({ id }) => id)
        .sort(),
    ).toEqual([hot.id, other].sort());
  });

  test("has what is hot copied to the ranks behind it, the more the larger its part of the requests", async () => {
    using hot = make();
    const ranks = hot.node.parts.ownership.rank(0, undefined, hot.id);
    const second = async (accesses: number): Promise<void> => {
      hot.report(accesses);
      hot.totals.requests += 100;
      hot.totals.answers += 100;
      await hot.tick();
    };
    for (let n = 0; n < 30; n++) await second(2);
    expect(hot.warmed()).toEqual([ranks[1] ?? ""]);
    for (let n = 0; n < 10; n++) await second(50);
    expect(hot.warmed()).toEqual(ranks.slice(1));
    expect(hot.node.told[0]?.message).toEqual({ kind: "warm", relname: hot.relname, owner: "a" });
  });

  test("beside a mesh of the original, to owner + 1 and then owner − 1", async () => {
    using hot = make({ routing: { algorithm: "md5-modulo" } });
    hot.report(1000);
    await hot.tick();
    expect(hot.warmed()).toEqual(["b", "f", "c", "e", "d"]);
  });

  test("tells its threads who has acknowledged a copy, and never has it made again", async () => {
    using hot = make();
    hot.report(1000);
    await hot.tick();
    expect(hot.warmed()).toHaveLength(5);
    await hot.tick();
    await hot.tick();
    expect(hot.warmed()).toHaveLength(5);
    const [[relname, servers] = ["", []]] = hot.news.at(-2)?.copies ?? [];
    expect([relname, [...servers].sort()]).toEqual([hot.relname, ["b", "c", "d", "e", "f"]]);
    expect(hot.keeper.status().copies).toBe(5);
  });

  test("leaves alone for a while who could not take one, and tells nobody of it", async () => {
    using hot = make({
      peers: { tell: async (peer) => (peer === "b" ? "no room" : "stored") },
    });
    hot.report(1000);
    await hot.tick();
    await hot.tick();
    const told = (): number => hot.warmed().filter((peer) => peer === "b").length;
    expect([told(), hot.keeper.status().copies]).toEqual([1, 4]);
    hot.clock.advance(DEADLINES.warmRestMs);
    hot.report(1000);
    await hot.tick();
    expect(told()).toBe(2);
    expect(hot.node.watched.count("warm_refused")).toBe(2);
  });

  test("forgets a copy whose hits nobody tells, and keeps those that are alive", async () => {
    using hot = make();
    hot.report(1000);
    await hot.tick();
    hot.clock.advance(50_000);
    hot.keeper.report({ asked: [[hot.relname, 1000]], alive: [[hot.relname, "c"]], loads: [] });
    hot.clock.advance(20_000);
    await hot.tick();
    expect(hot.keeper.status().items[0]?.holders).toEqual(["c"]);
  });

  test("forgets the copies of what has cooled, and of what was purged", async () => {
    using hot = make();
    hot.report(1000);
    await hot.tick();
    hot.keeper.forget(new Set([hot.id]));
    expect(hot.keeper.status()).toMatchObject({ copies: 0, tracked: 0, items: [] });
    hot.report(6);
    await hot.tick();
    expect(hot.keeper.status().copies).toBeGreaterThan(0);
    hot.totals.requests += 10_000_000;
    await hot.tick();
    await hot.tick();
    expect(hot.keeper.status().copies).toBe(0);
  });

  test("has nothing copied that nobody asks for any more, however hot it was", async () => {
    using hot = make();
    hot.report(1000);
    hot.clock.advance(70_000);
    await hot.tick();
    expect(hot.keeper.status().items[0]?.score).toBeGreaterThan(500);
    expect(hot.warmed()).toEqual([]);
    hot.report(1);
    await hot.tick();
    expect(hot.warmed().length).toBeGreaterThan(0);
  });

  test("shows the hottest, not all", async () => {
    using hot = make();
    for (let n = 0; n < 30; n++)
      hot.report(n, relnameOf({ id: `many-${n}`, size: "sm", ext: "jpg" }));
    const { items, tracked } = hot.keeper.status();
    expect([items.length, tracked, items[0]?.id]).toEqual([LIMITS.hotShownMax, 30, "many-29"]);
  });
});

test("a node keeps copies for others within its share, and drops them when nobody asks", async () => {
  using hot = make();
  const [other = ""] = idsOf(hot.node, "b", 1);
  const relname = relnameOf({ id: other, size: "sm", ext: "jpg" });
  const { limitBytes } = hot.node.parts.cache.usage();
  expect(await hot.keeper.admit(relname, Math.ceil(limitBytes * 0.1))).toBe(false);
  expect(await hot.keeper.admit(relname, 100)).toBe(true);
  put(hot.node.parts.cache, metaOf(relname, 100));
  expect(hot.keeper.isReplica(relname)).toBe(true);
  hot.clock.advance(50_000);
  hot.report(1, relname);
  hot.clock.advance(50_000);
  await hot.tick();
  expect(hot.keeper.isReplica(relname)).toBe(true);
  hot.clock.advance(60_000);
  await hot.tick();
  expect(hot.keeper.isReplica(relname)).toBe(false);
  expect(hot.node.parts.cache.peek(relname)).toBeUndefined();
  expect(hot.node.parts.cache.peek(hot.relname)).toBeDefined();
  expect(hot.node.watched.count("replica_dropped")).toBe(1);
});
