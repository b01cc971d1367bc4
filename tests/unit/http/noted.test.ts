/** Hits on disk that were noted: not searched again, and never anything else than the search would give. */

import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { LIMITS } from "../../../src/base/limits.ts";
import { UNKNOWN_FACTS } from "../../../src/base/variant.ts";
import type { FoundHit, Repeats } from "../../../src/content/repeat.ts";
import { HIT } from "../../../src/content/served.ts";
import { type DiskHit, makeNoted } from "../../../src/http/noted.ts";
import { metaOf, patternOf } from "../../support/picture-site.ts";
import { asking, ID, makeRamSite, pathOf, type RamSite } from "../../support/ram-site.ts";

const BYTES = 1000;
const RELNAME = `vi/ra/l1/md/${ID}.jpg`;
const sites: RamSite[] = [];
afterEach(() => {
  for (const site of sites.splice(0)) site[Symbol.dispose]();
});

/** Asked for until it is noted. */
async function noted(): Promise<RamSite> {
  const site = makeRamSite();
  sites.push(site);
  site.put({}, BYTES);
  for (let i = 0; i < 2; i++) await site.noting(asking(pathOf()));
  expect(site.searches()).toBe(2);
  return site;
}

async function told(answer: Response | Promise<Response>): Promise<object> {
  const { status, headers } = await answer;
  const all = Object.fromEntries(headers);
  // HEAD and errors carry the second they were made in
  delete all["date"];
  return { status, all, body: Buffer.from(await (await answer).bytes()).toString("base64") };
}

describe("a hit on disk that is noted", () => {
  test("is found without a search, at once, and counted like one", async () => {
    const site = await noted();
    const names = ["http_requests", "http_bytes", "path_cache_hit", "lru_hit"] as const;
    const costOf = (handler: RamSite["handler"]): readonly number[] => {
      const before = names.map((name) => site.node.watched.count(name));
      expect(handler(asking(pathOf()))).toBeInstanceOf(Response);
      return names.map((name, i) => site.node.watched.count(name) - (before[i] ?? 0));
    };
    expect(costOf(site.noting)).toEqual(costOf(site.plain));
    expect(site.searches()).toBe(2);
  });

  test("is answered as if it was searched, whatever is asked", async () => {
    const site = await noted();
    const etag = (await site.plain(asking(pathOf()))).headers.get("etag") ?? "";
    for (const init of [
      {},
      { method: "HEAD" },
      { headers: { range: "bytes=10-19" } },
      { headers: { range: "bytes=1000-" } },
      { headers: { range: "bytes=10-19", "if-range": '"x"' } },
      { headers: { "if-none-match": etag } },
      { headers: { "if-modified-since": "Thu, 01 Jan 2037 00:00:00 GMT" } },
    ]) {
      const ours = await told(site.noting(asking(pathOf(), init)));
      expect(ours).toEqual(await told(site.plain(asking(pathOf(), init))));
    }
    expect(site.searches()).toBe(2);
  });

  test("is searched again when its file has gone, and then is a miss", async () => {
    const site = await noted();
    rmSync(site.parts.cache.pathOf(RELNAME));
    expect((await site.noting(asking(pathOf()))).status).toBe(404);
    expect(site.searches()).toBe(3);
  });

  test("is not answered when another worker evicted or purged it", async () => {
    const site = await noted();
    expect(site.other.forget(RELNAME)).toBe(true);
    expect((await site.noting(asking(pathOf()))).status).toBe(404);
  });

  test("is the new one when it was made anew, though as long as before", async () => {
    const site = await noted();
    site.other.forget(RELNAME);
    site.put({}, BYTES, 7);
    const answer = await site.noting(asking(pathOf()));
    expect(await answer.bytes()).toEqual(patternOf(BYTES + 7).subarray(7));
    expect(site.searches()).toBe(3);
  });

  test("is not answered when it is blocked, even while an upload of it is pinned", async () => {
    const site = await noted();
    expect(site.parts.cache.pin(RELNAME)).toBe(true);
    const now = site.parts.clock.wallSeconds();
    site.tombstones.write(ID, { purgedAt: 0, stage: "swept", blocked: true }, now);
    expect((await site.noting(asking(pathOf()))).status).toBe(451);
  });

  test("is searched when its web id has to be asked for again", async () => {
    const site = await noted();
    site.parts.paths.forget(ID);
    expect((await site.noting(asking(pathOf()))).status).toBe(200);
    expect(site.searches()).toBe(3);
  });
});

describe("what is not noted", () => {
  test("is what was asked for once", async () => {
    const site = makeRamSite();
    sites.push(site);
    site.put({}, BYTES);
    await site.noting(asking(pathOf()));
    await site.noting(asking(pathOf()));
    expect(site.searches()).toBe(2);
  });

  test("is a variant of a picture whose true size is not known: its name may change", async () => {
    const site = makeRamSite();
    sites.push(site);
    site.put({ facts: UNKNOWN_FACTS }, BYTES);
    site.put({ facts: UNKNOWN_FACTS, size: "orig" }, BYTES);
    for (let i = 0; i < 4; i++) await site.noting(asking(pathOf()));
    expect(site.searches()).toBe(4);
  });

  test("is more than so many, or a longer URL than so", () => {
    const hit: DiskHit = {
      webId: ID,
      served: { kind: "file", meta: metaOf(BYTES), outcome: HIT, path: "/nowhere" },
      success: new Headers(),
    };
    const repeats: Repeats = {
      ...{ note: () => ({}) as FoundHit, stands: () => true, isSound: () => true },
      count() {},
    };
    const notes = makeNoted(repeats);
    const note = (key: string): void => {
      for (let i = 0; i < 2; i++) notes.note(key, hit);
    };
    const long = "x".repeat(LIMITS.notedKeyCharsMax);
    note(long);
    note(`${long}x`);
    expect([notes.find(long) !== undefined, notes.find(`${long}x`)]).toEqual([true, undefined]);
    for (let n = 0; n < LIMITS.notedHitsMax * 2; n++) note(`key ${n}`);
    const kept = Array.from({ length: LIMITS.notedHitsMax * 2 }, (_, n) => notes.find(`key ${n}`));
    const held = kept.filter((one) => one !== undefined).length;
    expect(held).toBeLessThanOrEqual(LIMITS.notedHitsMax);
    expect(held).toBeGreaterThan(LIMITS.notedHitsMax / 4);
  });
});
