/** What the lowest level asks its peers for before it reads an original. */

import { describe, expect, test } from "bun:test";
import { parseRelname, type Variant, type VariantMeta } from "../../../src/base/variant.ts";
import { makePeerHandler } from "../../../src/content/answer-peer.ts";
import { startContext } from "../../../src/content/context.ts";
import { factsNearby, findNearby } from "../../../src/content/nearby.ts";
import type { Parts } from "../../../src/content/parts.ts";
import { metaOf, put, relnameOfNumber } from "../../support/cache-dir.ts";
import { makeNodeParts, notThere, type PlayedPeers, replyOf } from "../../support/node-parts.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const FACTS = { width: 4000, height: 3000, alpha: false, animated: false };
const at = (size: string, ext = "jpg") => relnameOfNumber(1, size, ext);
const nameOf = (relname: string): Variant => parseRelname(relname) ?? { id: "", size: "", ext: "" };
const SM = nameOf(at("sm", "webp"));
const kept = (relname: string, bytes: number, lossySteps = 1): VariantMeta =>
  metaOf(relname, bytes, { facts: FACTS, lossySteps, sourceAt: 2_000_000_000 });

function ownerOf() {
  using any = makeNodeParts({ self: "edge-1", edges: EDGES });
  const [owner = "", next = ""] = any.parts.ownership.rank(0, undefined, SM.id);
  return { owner, next };
}

const { owner, next } = ownerOf();

/** Peers of which the next rank has that; the body is only sent to who asks for it. */
function havingOnly(meta: VariantMeta): PlayedPeers {
  return {
    async ask(peer, request) {
      if (peer !== next) throw notThere();
      const asked = request.facts === true || request.relname === meta.relname;
      if (!asked) throw notThere();
      return replyOf(meta, request);
    },
  };
}

async function nearby(peers: PlayedPeers) {
  const node = makeNodeParts({ self: owner, edges: EDGES, probing: false, peers });
  const context = startContext(node.parts.clock);
  const found = await findNearby(node.parts, context, { wanted: SM, facts: FACTS });
  return { node, found };
}

describe("before an original is read", () => {
  test("the next rank is asked, its disk only, and nobody else", async () => {
    const { node, found } = await nearby({});
    using _ = node;
    expect(found).toBeUndefined();
    expect(node.asked.map(({ peer, request }) => [peer, request.role, request.facts])).toEqual([
      [next, "local", true],
    ]);
  });

  test("what it has and is enough comes here, is kept, and is what the variant is made of", async () => {
    const md = kept(at("md"), 100_000);
    const { node, found } = await nearby(havingOnly(md));
    using _ = node;
    expect(found).toMatchObject({ kind: "source", from: { variant: { size: "md", ext: "jpg" } } });
    expect(node.parts.cache.peek(md.relname)?.bytes).toBe(md.bytes);
    if (found?.kind === "source") found.from.held[Symbol.dispose]();
  });

  test("the very variant is taken as it is", async () => {
    const { node, found } = await nearby(havingOnly(kept(at("sm", "webp"), 9000)));
    using _ = node;
    expect(found).toMatchObject({ kind: "wanted", incoming: { source: "peer" } });
    if (found?.kind === "wanted") found.incoming.body.cancel();
  });

  test("an original there goes before the store's", async () => {
    const { node, found } = await nearby(havingOnly(kept(at("orig"), 4_000_000, 0)));
    using _ = node;
    expect(found).toMatchObject({ kind: "source", from: { variant: { size: "orig" } } });
    if (found?.kind === "source") found.from.held[Symbol.dispose]();
  });

  const useless: readonly (readonly [string, VariantMeta])[] = [
    ["what is too small is left there", kept(at("xs"), 3000)],
    ["what is two losses away is left there", kept(at("md"), 100_000, 2)],
    [
      "what is far larger than an original would be is left there",
      kept(at("xl", "png"), 60_000_000, 0),
    ],
    ["facts without a picture are no source", kept(at("sm", "webp"), 0)],
  ];
  for (const [name, meta] of useless) {
    test(name, async () => {
      const { node, found } = await nearby(havingOnly(meta));
      using _ = node;
      expect(found).toBeUndefined();
      expect(node.asked).toHaveLength(1);
    });
  }

  test("facts are had from there too", async () => {
    const peers = havingOnly(kept(at("xs"), 3000));
    using node = makeNodeParts({ self: owner, edges: EDGES, probing: false, peers });
    const context = startContext(node.parts.clock);
    expect(await factsNearby(node.parts, context, SM.id)).toMatchObject({ facts: FACTS });
  });
});

describe("who is asked what it has", () => {
  const ask = (parts: Parts, relname: string) =>
    makePeerHandler(
      parts,
      () => "",
    )({
      relname,
      role: "local",
      deadlineMs: 500,
      hops: 1,
      facts: true,
      peer: owner,
      legacy: false,
      signal: new AbortController().signal,
    });
  const having = (...metas: VariantMeta[]) => {
    const node = makeNodeParts({ self: next, edges: EDGES, probing: false });
    for (const meta of metas) expect(put(node.parts.cache, meta)).toBe("published");
    return node;
  };

  test("names what serves best, without its body", async () => {
    using node = having(kept(at("lg"), 300_000), kept(at("md"), 90_000), kept(at("xs"), 900));
    const { meta, send } = await ask(node.parts, at("sm", "webp"));
    expect(meta).toMatchObject({ relname: at("md"), bytes: 90_000, lossySteps: 1, facts: FACTS });
    expect(send.kind).toBe("none");
  });

  test("names the very variant before anything it could be made of", async () => {
    using node = having(kept(at("md"), 90_000), kept(at("sm", "webp"), 9000));
    expect((await ask(node.parts, at("sm", "webp"))).meta.relname).toBe(at("sm", "webp"));
  });

  test("tells the facts under the name that was asked for when nothing serves", async () => {
    using node = having(kept(at("xs"), 900));
    for (const relname of [at("sm", "webp"), at("orig", "bin")]) {
      expect((await ask(node.parts, relname)).meta).toMatchObject({
        relname,
        bytes: 0,
        facts: FACTS,
      });
    }
  });

  test("has nothing to tell of a picture that is not there", async () => {
    using node = having();
    expect(ask(node.parts, at("sm", "webp"))).rejects.toMatchObject({ code: "not_found" });
  });
});
