/** Who owns what: shares, moves, order of take-over, groups. */

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import { makeMemo } from "../../../src/base/memo.ts";
import { makeOwnership, TOP_RANKS } from "../../../src/mesh/ownership.ts";
import { type Candidate, md5ModuloRank, rendezvousRank } from "../../../src/mesh/rank.ts";
import type { Routing, Server } from "../../../src/topology/topology.ts";

const SEED = "production";

function candidates(count: number, change: Partial<Candidate> = {}): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `edge-${i}`,
    weight: 1,
    draining: false,
    ...change,
  }));
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `photo${i.toString(36).padStart(6, "0")}`);
}

function server(name: string, level: number, change: Partial<Server> = {}): Server {
  return {
    name,
    level,
    region: undefined,
    weight: 1,
    draining: false,
    legacy: false,
    cacheDir: "/nowhere",
    cacheDirs: ["/nowhere"],
    capacityBytes: undefined,
    ramBytes: 0,
    workers: 1,
    imageWorkers: 1,
    publics: [],
    privates: [],
    admin: undefined,
    redirectTarget: undefined,
    ...change,
  };
}

function ownershipOf(levels: readonly (readonly Server[])[], routing?: Partial<Routing>) {
  return makeOwnership({
    levels: levels.map((servers, index) => ({ index, servers, origins: [] })),
    routing: { algorithm: "rendezvous", seed: SEED, peerMode: "stream", ...routing },
  });
}

const groups = fc
  .uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 2, maxLength: 24 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          weight: fc.integer({ min: 1, max: 8 }),
          draining: fc.boolean(),
        }),
      ),
    ),
  );
const contentId = fc.stringMatching(/^[A-Za-z0-9_-]{6,96}$/);

describe("rendezvous", () => {
  test("gives ids to the owners written down here, in every process and on every machine", () => {
    const rank = rendezvousRank(candidates(5), SEED);
    const golden = {
      viral123: "2 1 3 4 0",
      abcdef: "4 2 3 1 0",
      "AbCdEf-_0123456789": "3 4 1 2 0",
      ["z".repeat(96)]: "2 1 0 3 4",
    };
    for (const [id, ranks] of Object.entries(golden)) {
      expect(rank(id)).toEqual(ranks.split(" ").map((n) => `edge-${n}`));
    }
  });

  test("ranks every server once, whatever the order of the file", () => {
    fc.assert(
      fc.property(groups, contentId, (group, id) => {
        const ranks = rendezvousRank(group, SEED)(id);
        expect([...ranks].sort()).toEqual(group.map((s) => s.name).sort());
        expect(rendezvousRank([...group].reverse(), SEED)(id)).toEqual(ranks);
      }),
    );
  });

  test("gives the first few ranks as the beginning of the full ranking", () => {
    fc.assert(
      fc.property(groups, contentId, fc.integer({ min: 1, max: 6 }), (group, id, ranksMax) => {
        const rank = rendezvousRank(group, SEED);
        expect(rank(id, ranksMax)).toEqual(rank(id).slice(0, ranksMax));
      }),
    );
  });

  test("a server that leaves hands its ids to their runners-up, and nothing else moves", () => {
    fc.assert(
      fc.property(groups, fc.nat(), contentId, (group, pick, id) => {
        const gone = group[pick % group.length]?.name;
        const before = rendezvousRank(group, SEED)(id);
        const after = rendezvousRank(
          group.filter((s) => s.name !== gone),
          SEED,
        )(id);
        expect(after).toEqual(before.filter((name) => name !== gone));
      }),
    );
  });

  test("losing one of ten servers moves a tenth of the ids", () => {
    const all = rendezvousRank(candidates(10), SEED);
    const fewer = rendezvousRank(candidates(10).slice(1), SEED);
    const moved = ids(20_000).filter((id) => all(id, 1)[0] !== fewer(id, 1)[0]);
    expect(moved.length / 20_000).toBeCloseTo(0.1, 2);
    expect(moved.every((id) => all(id, 1)[0] === "edge-0")).toBe(true);
  });

  test("shares ids in proportion to the weights, within 3 %", () => {
    const weights = [1, 2, 3, 4];
    const group = candidates(4).map((c, i) => ({ ...c, weight: weights[i] ?? 1 }));
    const rank = rendezvousRank(group, SEED);
    const owned = new Map<string, number>();
    for (const id of ids(100_000)) {
      const owner = rank(id, 1)[0] ?? "";
      owned.set(owner, (owned.get(owner) ?? 0) + 1);
    }
    for (const { name, weight } of group) {
      const share = (owned.get(name) ?? 0) / 100_000;
      expect(Math.abs(share / (weight / 10) - 1)).toBeLessThan(0.03);
    }
  });

  test("raising a weight only ever moves ids to that server", () => {
    const heavier = candidates(6).map((c, i) => (i === 2 ? { ...c, weight: 2 } : c));
    const [before, after] = [rendezvousRank(candidates(6), SEED), rendezvousRank(heavier, SEED)];
    const moved = ids(5000).filter((id) => before(id, 1)[0] !== after(id, 1)[0]);
    expect(moved.length).toBeGreaterThan(500);
    expect(moved.every((id) => after(id, 1)[0] === "edge-2")).toBe(true);
  });

  test("draining servers come last, in the order they would have had", () => {
    fc.assert(
      fc.property(groups, contentId, (group, id) => {
        const leaving = new Set(group.filter((s) => s.draining).map((s) => s.name));
        const stay = group.map((s) => ({ ...s, draining: false }));
        const plain = rendezvousRank(stay, SEED)(id);
        expect(rendezvousRank(group, SEED)(id)).toEqual([
          ...plain.filter((name) => !leaving.has(name)),
          ...plain.filter((name) => leaving.has(name)),
        ]);
      }),
    );
  });

  test("another seed is another distribution", () => {
    const [one, two] = [rendezvousRank(candidates(8), "a"), rendezvousRank(candidates(8), "b")];
    const same = ids(8000).filter((id) => one(id, 1)[0] === two(id, 1)[0]);
    expect(same.length / 8000).toBeCloseTo(1 / 8, 1);
  });
});

describe("md5-modulo", () => {
  test("takes MD5 of the id as one big integer modulo n, and the ranks from there in file order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), contentId, (count, id) => {
        const md5 = BigInt(`0x${createHash("md5").update(id).digest("hex")}`);
        const first = Number(md5 % BigInt(count));
        const expected = candidates(count).map((_, k) => `edge-${(first + k) % count}`);
        expect(md5ModuloRank(candidates(count))(id)).toEqual(expected);
      }),
    );
  });

  test("gives viral123 among seven to the one worked out by hand", () => {
    // f5012b0e3bdc86ea3381031ce9d4edbd mod 7 = 1
    expect(md5ModuloRank(candidates(7))("viral123")[0]).toBe("edge-1");
  });

  test("counts draining servers in n, and ranks them last", () => {
    const group = candidates(3).map((c) => ({ ...c, draining: c.name === "edge-1" }));
    for (const id of ids(30)) {
      const plain = md5ModuloRank(candidates(3))(id);
      const expected = [...plain.filter((n) => n !== "edge-1"), "edge-1"];
      expect(md5ModuloRank(group)(id)).toEqual(expected);
    }
  });
});

describe("groups", () => {
  const eu = { region: "eu" };
  const us = { region: "us" };
  const edges = [server("e1", 0, eu), server("e2", 0, us), server("e3", 0, eu)];
  const regionals = [server("r1", 2, us), server("r2", 2, eu), server("r3", 2, us)];
  const mesh = ownershipOf([edges, [], regionals]);

  test("are the servers of a level and region where every server has a region", () => {
    expect(mesh.group("e1")).toEqual(["e1", "e3"]);
    expect([...mesh.rank(0, "eu", "viral123")].sort()).toEqual(["e1", "e3"]);
    expect(mesh.rank(0, "us", "viral123")).toEqual(["e2"]);
  });

  test("are the whole level where one server has none", () => {
    const mixed = ownershipOf([[...edges, server("e4", 0)]]);
    expect(mixed.group("e1")).toEqual(["e1", "e2", "e3", "e4"]);
    expect(mixed.rank(0, "eu", "viral123")).toHaveLength(4);
  });

  test("upstream are those of the next level that has servers, the same region first", () => {
    expect(mesh.upstreamGroup("e1")).toEqual({ level: 2, servers: ["r2", "r1", "r3"] });
    expect(mesh.upstreamGroup("e2")).toEqual({ level: 2, servers: ["r1", "r3", "r2"] });
    expect(mesh.upstreamGroup("r1")).toBeUndefined();
  });

  test("upstream rank by the owner in the own region first, then all others", () => {
    for (const id of ids(50)) {
      const ranks = mesh.upstreamRank("e2", id);
      expect(ranks.slice(0, 2)).toEqual([...mesh.rank(2, "us", id)]);
      expect(ranks[2]).toBe("r2");
    }
    expect(mesh.upstreamRank("r1", "viral123")).toEqual([]);
  });

  test("without a region of its own, a server asks one that owns the id in its region", () => {
    const plain = ownershipOf([[server("e1", 0)], [], regionals]);
    for (const id of ids(50)) {
      const [first = ""] = plain.upstreamRank("e1", id);
      const region = regionals.find((s) => s.name === first)?.region;
      expect(plain.rank(2, region, id)[0]).toBe(first);
    }
  });

  test("of unknown servers and levels are empty", () => {
    expect(mesh.group("nobody")).toEqual([]);
    expect(mesh.upstreamGroup("nobody")).toBeUndefined();
    expect(mesh.rank(1, undefined, "viral123")).toEqual([]);
    expect(mesh.topRanks(7, undefined, "viral123")).toEqual([]);
  });

  test("by md5-modulo when the topology says so", () => {
    const legacy = ownershipOf([candidates(7).map((c) => server(c.name, 0))], {
      algorithm: "md5-modulo",
    });
    expect(legacy.rank(0, undefined, "viral123")).toEqual(md5ModuloRank(candidates(7))("viral123"));
  });
});

describe("the first ranks", () => {
  test("are those of the full ranking, first asked or remembered", () => {
    const mesh = ownershipOf([candidates(9).map((c) => server(c.name, 0))]);
    for (const id of [...ids(100), ...ids(100)]) {
      const top = mesh.topRanks(0, undefined, id);
      expect(top).toEqual(mesh.rank(0, undefined, id).slice(0, TOP_RANKS));
    }
  });

  test("are remembered for a bounded number of ids", () => {
    const memo = makeMemo<number>(LIMITS.rankMemoMax);
    for (let i = 0; i < 3 * LIMITS.rankMemoMax; i++) memo.set(`id${i}`, i);
    expect(memo.size).toBeLessThanOrEqual(LIMITS.rankMemoMax);
    expect(memo.get("id0")).toBeUndefined();
    expect(memo.get(`id${3 * LIMITS.rankMemoMax - 1}`)).toBe(3 * LIMITS.rankMemoMax - 1);
  });

  test("stay remembered while they are asked for", () => {
    const memo = makeMemo<number>(100);
    memo.set("hot", 1);
    for (let i = 0; i < 1000; i++) {
      memo.set(`id${i}`, i);
      expect(memo.get("hot")).toBe(1);
      expect(memo.size).toBeLessThanOrEqual(100);
    }
  });
});
