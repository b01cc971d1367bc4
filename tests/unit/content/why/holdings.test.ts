/** Who has what of an id, as one node can find out. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../src/base/fault.ts";
import { LIMITS } from "../../../../src/base/limits.ts";
import { parseRelname } from "../../../../src/base/variant.ts";
import { lookAround } from "../../../../src/content/why/holdings.ts";
import { HealthTable } from "../../../../src/mesh/health.ts";
import { metaOf, put, relnameOfNumber } from "../../../support/cache-dir.ts";
import { makeNodeParts, replyOf } from "../../../support/node-parts.ts";

const RELNAME = relnameOfNumber(1);
const ID = parseRelname(RELNAME)?.id ?? "";
const META = metaOf(RELNAME, 3000);
const LISTED = { relname: RELNAME, bytes: 3000, validator: META.validator };

describe("looking around for an id", () => {
  test("tells each server by rank: what it has, that it did not answer, or why it was not asked", async () => {
    const edges = ["edge-1", "edge-2", "edge-3", "edge-4"];
    using node = makeNodeParts({
      ...{ self: "edge-1", edges },
      peers: {
        async ask(peer, request) {
          if (peer === "edge-2") return { ...replyOf(META, request), variants: [LISTED] };
          if (peer === "edge-4") return replyOf(META, request);
          throw new Fault("too_slow", "edge-3 did not answer in time");
        },
      },
    });
    put(node.parts.cache, META);
    const levels = await lookAround(node.parts, ID);
    expect(levels).toHaveLength(1);
    const servers = levels[0]?.servers ?? [];
    expect(servers.map(({ server }) => server)).toEqual([
      ...node.parts.ownership.rank(0, undefined, ID),
    ]);
    const of = (name: string) => servers.find(({ server }) => server === name);
    expect(of("edge-1")).toMatchObject({ self: true, variants: [LISTED] });
    expect(of("edge-2")).toMatchObject({ self: false, variants: [LISTED] });
    expect(of("edge-3")?.unknown).toBe("did not answer: edge-3 did not answer in time");
    expect(of("edge-4")?.unknown).toBe("it does not tell: another version");
    for (const { request } of node.asked) {
      expect(request).toMatchObject({ role: "local", facts: true, list: true });
    }
  });

  test("asks nobody who is down", async () => {
    using node = makeNodeParts({ self: "edge-1", edges: ["edge-1", "edge-2"] });
    new HealthTable(node.memory.health).setState("edge-2", "down", 0);
    const [level] = await lookAround(node.parts, ID);
    expect(level?.servers.find(({ server }) => server === "edge-2")?.unknown).toBe(
      "not asked: it is down",
    );
    expect(node.asked).toEqual([]);
  });

  test("asks the best ranks of a large level, so many at once, and says how many there are beside", async () => {
    const count = LIMITS.whyAskedMax + 6;
    const edges = Array.from({ length: count }, (_, n) => `edge-${n}`);
    let atOnce = 0;
    let most = 0;
    using node = makeNodeParts({
      ...{ self: "edge-0", edges },
      peers: {
        async ask(_, request) {
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setImmediate(resolve));
          atOnce--;
          return { ...replyOf(META, request), variants: [] };
        },
      },
    });
    const [level] = await lookAround(node.parts, ID);
    expect(level?.servers).toHaveLength(LIMITS.whyAskedMax);
    expect(level?.more).toBe(6);
    expect(most).toBe(LIMITS.whyAskedAtOnce);
  });
});
