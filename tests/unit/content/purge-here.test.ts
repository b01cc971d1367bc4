/** A purge on one node: what goes, what may be kept in its slack, and what is refused in between. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { openPurged } from "../../../src/cache/purged.ts";
import type { PurgeOrder } from "../../../src/cache/tombstone-state.ts";
import { makeLocal } from "../../../src/content/local.ts";
import type { News } from "../../../src/content/news.ts";
import { publishFresh } from "../../../src/content/publish-fresh.ts";
import { makePurgeHere } from "../../../src/content/purge-here.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  put,
  relnameOfNumber,
} from "../../support/cache-dir.ts";
import { edgeTopology } from "../../support/node-parts.ts";
import { purge, unblock, withdraw } from "../../support/tombstones.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const ID = "pic000001";
const NAMES = [
  relnameOfNumber(1, "md"),
  relnameOfNumber(1, "xs", "avif"),
  relnameOfNumber(1, "orig", "png"),
  relnameOfNumber(1, "orig", "bin"),
];

function nodeOn(of: CacheDir, uploads = 0) {
  const withdrawn: PurgeOrder[] = [];
  const watched = watchedParts();
  const { counters, log } = watched;
  let seconds = Math.floor(Date.now() / 1000);
  const clock = { monotonicMs: () => seconds * 1000, wallSeconds: () => seconds };
  const { cache } = of;
  const purged = openPurged(of.memory, clock);
  const local = makeLocal({ cache, purged, topology: edgeTopology(["edge-1"]) });
  const announced: News[] = [];
  const announce = async (news: News): Promise<void> => {
    announced.push(news);
  };
  const parts = { cache, purged, local, announce, counters, clock, log };
  const here = makePurgeHere(parts, of.restored.tombstones, (order) => {
    withdrawn.push(order);
    return uploads;
  });
  const publish = (relname: string, sourceAt: number | undefined): string => {
    const meta = metaOf(relname, 100, { sourceAt });
    const room = cache.reserve(meta.bytes);
    if (room === undefined) throw new Error("no room");
    const temp = cache.tempPath();
    writeFileSync(temp, Buffer.alloc(meta.bytes));
    return publishFresh({ cache, purged }, { room, temp, meta });
  };
  return {
    ...{ parts, here, announced, publish, watched, withdrawn },
    now: () => seconds,
    advance: (by: number) => {
      seconds += by;
    },
    [Symbol.dispose]: () => here.close(),
  };
}

describe("a purge here", () => {
  test("drops every size, format and ext of the id, and nothing else; says how much; tells all threads", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    for (const relname of [...NAMES, relnameOfNumber(2)]) put(of.cache, metaOf(relname, 100));
    const had = await node.here.carryOut([purge(ID, node.now()), purge("another", node.now())]);
    expect(had).toEqual([
      { id: ID, variants: 4, bytes: 400 },
      { id: "another", variants: 0, bytes: 0 },
    ]);
    expect(NAMES.filter((relname) => of.cache.peek(relname) !== undefined)).toEqual([]);
    expect(of.cache.peek(relnameOfNumber(2))).toBeDefined();
    expect(node.announced).toEqual([{ ids: [ID, "another"], webIds: [], purged: true }]);
    expect(node.watched.count("purged")).toBe(4);
  });

  test("with the original takes uploads back first, and tells how many", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of, 1);
    const orders = [withdraw(ID, node.now()), purge("another", node.now())];
    expect(await node.here.carryOut(orders)).toEqual([
      { id: ID, variants: 0, bytes: 0, uploads: 1 },
      { id: "another", variants: 0, bytes: 0 },
    ]);
    expect(node.withdrawn).toEqual([withdraw(ID, node.now())]);
  });

  test("leaves a pinned original alone: it may be the only copy", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    const original = relnameOfNumber(1, "orig", "png");
    for (const relname of NAMES) put(of.cache, metaOf(relname, 100));
    of.cache.pin(original);
    expect(await node.here.carryOut([purge(ID, node.now())])).toMatchObject([{ variants: 3 }]);
    expect(of.cache.peek(original)).toBeDefined();
  });

  test("keeps what comes in its slack until that is over, and what comes later for good", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    const [md = "", xs = ""] = NAMES;
    await node.here.carryOut([purge(ID, node.now())]);
    expect(node.publish(md, node.now() - 1)).toBe("purged");
    expect(node.publish(md, undefined)).toBe("purged");
    expect(node.publish(md, node.now())).toBe("published");
    await node.here.sweep();
    expect(of.cache.peek(md)).toBeDefined();
    node.advance(6);
    expect(node.publish(xs, node.now() - 2)).toBe("purged");
    await node.here.sweep();
    expect(of.cache.peek(md)).toBeUndefined();
    expect(node.publish(xs, node.now())).toBe("published");
    await node.here.sweep();
    expect(of.cache.peek(xs)).toBeDefined();
    expect(node.parts.purged.sourceAt(ID)).toBe(node.now() - 1);
  });

  test("between the two looks of a publisher leaves nothing of what it publishes", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    const [md = ""] = NAMES;
    const { cache, purged } = node.parts;
    const meta = metaOf(md, 100, { sourceAt: node.now() - 1 });
    const room = cache.reserve(100);
    if (room === undefined) throw new Error("no room");
    const temp = cache.tempPath();
    writeFileSync(temp, Buffer.alloc(100));
    const late = {
      ...cache,
      publish: (...given: Parameters<typeof cache.publish>) => {
        // main is as far as the tombstone, and has not dropped anything yet
        of.restored.tombstones.apply([purge(ID, node.now())]);
        return cache.publish(...given);
      },
    };
    expect(publishFresh({ cache: late, purged }, { room, temp, meta })).toBe("purged");
    expect(cache.peek(md)).toBeUndefined();
  });

  test("makes facts of before it worthless, and refuses those that come late", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    const { local } = node.parts;
    const facts = { width: 640, height: 480, alpha: false, animated: false };
    local.remember(ID, facts, undefined);
    expect(local.facts(ID)).toEqual(facts);
    await node.here.carryOut([purge(ID, node.now())]);
    expect(local.facts(ID)).toBeUndefined();
    local.remember(ID, facts, node.now() - 1);
    expect(local.facts(ID)).toBeUndefined();
    local.remember(ID, facts, node.now());
    expect(local.facts(ID)).toEqual(facts);
  });

  test("to unblock drops nothing", async () => {
    using of = makeCacheDir();
    using node = nodeOn(of);
    const [md = ""] = NAMES;
    put(of.cache, metaOf(md, 100));
    const had = await node.here.carryOut([unblock(ID, node.now())]);
    expect(had).toEqual([{ id: ID, variants: 0, bytes: 0 }]);
    expect(of.cache.peek(md)).toBeDefined();
  });
});
