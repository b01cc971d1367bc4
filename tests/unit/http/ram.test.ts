/** Answers from memory: which are held, how much that takes, and that none outlives what it was made from. */

import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { LIMITS } from "../../../src/base/limits.ts";
import { UNKNOWN_FACTS } from "../../../src/base/variant.ts";
import type { CounterName } from "../../../src/observe/counters.ts";
import { patternOf } from "../../support/picture-site.ts";
import { asking, ID, makeRamSite, pathOf, type RamSite } from "../../support/ram-site.ts";

const BYTES = 1000;
const sites: RamSite[] = [];
afterEach(() => {
  for (const site of sites.splice(0)) site[Symbol.dispose]();
});

function siteWith(options: Parameters<typeof makeRamSite>[0] = {}): RamSite {
  const site = makeRamSite(options);
  sites.push(site);
  return site;
}

async function held(options: Parameters<typeof makeRamSite>[0] = {}): Promise<RamSite> {
  const site = siteWith(options);
  site.put({}, BYTES);
  await site.heat(pathOf());
  expect(count(site, "ram_kept")).toBe(1);
  return site;
}

function count({ node }: RamSite, name: CounterName): number {
  return node.watched.count(name);
}

function loseFile({ parts }: RamSite, relname: string): void {
  rmSync(parts.cache.pathOf(relname));
}

const RELNAME = `vi/ra/l1/md/${ID}.jpg`;

describe("what is held", () => {
  test("is what is asked for a second time, and is then answered without its file", async () => {
    const site = await held();
    loseFile(site, RELNAME);
    const answer = await site.handler(asking(pathOf()));
    expect(answer.status).toBe(200);
    expect(await answer.bytes()).toEqual(patternOf(BYTES));
    expect(count(site, "ram_hit")).toBe(1);
  });

  test("is not what was asked for once", async () => {
    const site = siteWith();
    site.put({}, BYTES);
    await site.handler(asking(pathOf()));
    expect([count(site, "ram_kept"), count(site, "ram_hit")]).toEqual([0, 0]);
  });

  test("is answered at once, and so is what lies on disk", async () => {
    const site = await held();
    expect(site.handler(asking(pathOf()))).toBeInstanceOf(Response);
    expect(site.plain(asking(pathOf()))).toBeInstanceOf(Response);
  });

  test("answers any number of times, each with bytes of its own", async () => {
    const site = await held();
    const answers = [1, 2, 3].map(async () => (await site.handler(asking(pathOf()))).bytes());
    for (const bytes of await Promise.all(answers)) expect(bytes).toEqual(patternOf(BYTES));
  });

  test("is counted like what is read from disk", async () => {
    const site = await held();
    const names = ["http_requests", "http_bytes", "path_cache_hit", "lru_hit"] as const;
    const costOf = async (handler: RamSite["handler"]): Promise<number[]> => {
      const before = names.map((name) => count(site, name));
      await handler(asking(pathOf()));
      return names.map((name, i) => count(site, name) - (before[i] ?? 0));
    };
    expect(await costOf(site.handler)).toEqual(await costOf(site.plain));
    expect(count(site, "ram_hit")).toBe(1);
  });

  test("of auto depends on what the client accepts", async () => {
    const site = siteWith();
    site.put({ ext: "webp" }, 500);
    site.put({ ext: "jpg" }, 700);
    const path = pathOf(ID, "md", "auto");
    const webp = { accept: "image/webp,*/*" };
    await site.heat(path, webp);
    await site.heat(path);
    const answers = [webp, {}].map(async (headers) => site.handler(asking(path, { headers })));
    const [first, second] = await Promise.all(answers);
    expect(count(site, "ram_hit")).toBe(2);
    expect(first?.headers.get("content-type")).toBe("image/webp");
    expect(second?.headers.get("content-type")).toBe("image/jpeg");
    expect(first?.headers.get("vary")).toBe("Accept");
  });

  test("carries Connection: close while the node drains, and not after", async () => {
    const site = await held();
    const connection = async (): Promise<string | null> =>
      (await site.handler(asking(pathOf()))).headers.get("connection");
    site.drain(true);
    expect(await connection()).toBe("close");
    site.drain(false);
    expect(await connection()).toBeNull();
    expect(count(site, "ram_hit")).toBe(2);
  });

  test("is told to its owner where this node is a replica", async () => {
    const site = siteWith({ edges: ["edge-1", "edge-2"] });
    const { ownership, self, recorder } = site.parts;
    const ids = Array.from({ length: 50 }, (_, i) => `picture${i}`);
    const id = ids.find((one) => ownership.topRanks(0, self.region, one)[0] === "edge-2") ?? "";
    site.put({ id }, BYTES);
    await site.heat(pathOf(id));
    await recorder.flush();
    await site.handler(asking(pathOf(id)));
    expect(count(site, "ram_hit")).toBe(1);
    await recorder.flush();
    expect(site.node.told.at(-1)).toMatchObject({
      peer: "edge-2",
      message: { kind: "record", hits: [{ count: 1 }] },
    });
  });
});

describe("what is not held", () => {
  test("is a body that is sent from its file", async () => {
    const site = siteWith({ roomBytes: 64 << 20 });
    site.put({}, LIMITS.ramBodyBytesMax);
    site.put({ id: "smaller1" }, LIMITS.ramBodyBytesMax - 1);
    for (const id of [ID, "smaller1"]) await site.heat(pathOf(id));
    expect(count(site, "ram_kept")).toBe(1);
  });

  test("is more than an eighth of the room", async () => {
    const roomBytes = 8 * (100_000 + LIMITS.ramAnswerBytes);
    const site = siteWith({ roomBytes });
    site.put({}, 100_000);
    await site.heat(pathOf());
    expect(count(site, "ram_kept")).toBe(0);
  });

  test("is a variant of a picture whose true size is not known: its name may change", async () => {
    const site = siteWith();
    site.put({ facts: UNKNOWN_FACTS }, BYTES);
    site.put({ facts: UNKNOWN_FACTS, size: "orig" }, BYTES);
    await site.heat(pathOf());
    expect(count(site, "ram_kept")).toBe(0);
    await site.heat(pathOf(ID, "orig"));
    expect(count(site, "ram_kept")).toBe(1);
  });
});

describe("the room", () => {
  const ANSWERS = 40;
  const id = (n: number): string => `picture${n}`;

  async function crowded(): Promise<{ site: RamSite; roomBytes: number }> {
    const roomBytes = 64 * 1024 + 16 * (20_000 + LIMITS.ramAnswerBytes);
    const site = siteWith({ roomBytes });
    for (let n = 0; n < ANSWERS; n++) site.put({ id: id(n) }, 20_000);
    return { site, roomBytes };
  }

  test("is never exceeded, and is used", async () => {
    const { site, roomBytes } = await crowded();
    for (let n = 0; n < ANSWERS; n++) {
      await site.heat(pathOf(id(n)));
      expect(site.bytes()).toBeLessThanOrEqual(roomBytes);
    }
    expect(site.bytes()).toBeGreaterThan(roomBytes * 0.9);
    expect(count(site, "ram_kept")).toBe(ANSWERS);
    expect(count(site, "ram_dropped")).toBeGreaterThanOrEqual(ANSWERS - 16);
  });

  test("is kept by what is asked for again", async () => {
    const { site } = await crowded();
    for (let n = 0; n < ANSWERS; n++) {
      await site.heat(pathOf(id(n)));
      await site.handler(asking(pathOf(id(0))));
    }
    const before = count(site, "ram_hit");
    await site.handler(asking(pathOf(id(0))));
    expect(count(site, "ram_hit")).toBe(before + 1);
  });

  test("is given back when the tier is closed, and nothing more is held", async () => {
    const site = await held();
    site.closeRam();
    expect(site.bytes()).toBe(0);
    for (let i = 0; i < 4; i++) await site.heat(pathOf());
    expect([site.bytes(), count(site, "ram_kept")]).toEqual([0, 1]);
  });
});

describe("nothing is answered from memory", () => {
  async function afterwards(site: RamSite, status: number): Promise<Response> {
    const before = count(site, "ram_hit");
    const bytesBefore = site.bytes();
    const answer = await site.handler(asking(pathOf()));
    expect(answer.status).toBe(status);
    expect(count(site, "ram_hit")).toBe(before);
    expect(site.bytes()).toBeLessThan(bytesBefore);
    return answer;
  }

  test("that another worker evicted or purged", async () => {
    const site = await held();
    expect(site.other.forget(RELNAME)).toBe(true);
    await afterwards(site, 404);
  });

  test("that was made anew since, though as long as before", async () => {
    const site = await held();
    site.other.forget(RELNAME);
    site.put({}, BYTES, 7);
    const answer = await afterwards(site, 200);
    expect(await answer.bytes()).toEqual(patternOf(BYTES + 7).subarray(7));
  });

  test("that was forgotten and came back the same, before it is looked for again", async () => {
    const site = await held();
    site.other.forget(RELNAME);
    site.put({}, BYTES);
    await afterwards(site, 200);
  });

  test("that is blocked, even while an upload of it is pinned", async () => {
    const site = await held();
    expect(site.parts.cache.pin(RELNAME)).toBe(true);
    const now = site.parts.clock.wallSeconds();
    site.tombstones.write(ID, { purgedAt: 0, stage: "swept", blocked: true }, now);
    await afterwards(site, 451);
  });

  test("whose web id has come to stand for another picture", async () => {
    const site = await held();
    site.put({ id: "another1" }, BYTES, 3);
    site.parts.paths.keep(ID, { kind: "known", id: "another1", ext: undefined });
    const answer = await afterwards(site, 200);
    expect(await answer.bytes()).toEqual(patternOf(BYTES + 3).subarray(3));
  });

  test("whose web id has to be asked for again", async () => {
    const site = await held();
    site.parts.paths.forget(ID);
    await afterwards(site, 200);
    expect(count(site, "path_cache_miss")).toBe(2);
  });

  test("but purges of others change nothing", async () => {
    const site = await held();
    site.tombstones.write("another1", { purgedAt: 1, stage: "swept", blocked: true }, 0);
    for (let i = 1; i <= 2; i++) {
      expect((await site.handler(asking(pathOf()))).status).toBe(200);
      expect(count(site, "ram_hit")).toBe(i);
    }
  });
});
