/** Whom a server asks that does not own a picture, and what it makes of the answers. */

import { describe, expect, test } from "bun:test";
import { relnameOf, type VariantMeta } from "../../../../src/base/variant.ts";
import { makeFetchContent } from "../../../../src/content/fetch-content.ts";
import type { ContentRequest } from "../../../../src/content/served.ts";
import type { PeerReply, PeerRequest } from "../../../../src/mesh/peer.ts";
import { metaOf } from "../../../support/cache-dir.ts";
import { makeNodeParts, notThere, replyOf } from "../../../support/node-parts.ts";

const FACTS = { width: 4000, height: 3000, alpha: false, animated: false };

interface Played {
  readonly held?: readonly string[];
  readonly standIn?: boolean;
  /** Those that answer a question for their disk. */
  readonly copies?: readonly string[];
}

function make(played: Played) {
  const answer = async (peer: string, request: PeerRequest): Promise<PeerReply> => {
    if (request.role === "local" && played.copies?.includes(peer) !== true) throw notThere();
    const meta: VariantMeta = metaOf(request.relname, 10, {
      facts: FACTS,
      sourceAt: 2_000_000_000,
    });
    const reply = { ...replyOf(meta, request), load: { rate: 5, busy: 1 } };
    if (request.role === "local") return reply;
    return { ...reply, held: played.held, standIn: played.standIn };
  };
  const node = makeNodeParts({
    ...{ self: "a", edges: ["a", "b", "c"], probing: false },
    peers: { ask: answer },
  });
  let n = 0;
  while (node.parts.ownership.topRanks(0, undefined, `picture${n}`)[0] !== "b") n++;
  const id = `picture${n}`;
  const relname = relnameOf({ id, size: "sm", ext: "jpg" });
  const request: ContentRequest = {
    ...{ webId: id, size: "sm", format: "jpg", accepted: [], head: false, redirected: false },
  };
  const fetchContent = makeFetchContent(node.parts);
  return {
    ...{ node, relname, id },
    async ask(): Promise<string[]> {
      const before = node.asked.length;
      const served = await fetchContent(request);
      if (served.kind === "stream") served.body.cancel();
      return node.asked.slice(before).map(({ peer, request: asked }) => `${peer} ${asked.role}`);
    },
    [Symbol.dispose]: () => node[Symbol.dispose](),
  };
}

describe("a server that does not own a picture asks", () => {
  test("the owner, as long as nobody else is known to have it", async () => {
    using one = make({});
    expect(await one.ask()).toEqual(["b owner"]);
    expect(await one.ask()).toEqual(["b owner"]);
  });

  test("who has a copy, when the owner has named it and is busier: for its disk only", async () => {
    using one = make({ held: ["c"], copies: ["c"] });
    expect(await one.ask()).toEqual(["b owner"]);
    expect(await one.ask()).toEqual(["c local"]);
    expect(one.node.watched.count("replica_ask")).toBe(1);
    expect(one.node.watched.count("cross_peer_stream")).toBe(2);
  });

  test("the owner in the same request when the copy is gone, and from then on", async () => {
    using one = make({ held: ["c"] });
    await one.ask();
    expect(await one.ask()).toEqual(["c local", "b owner"]);
    expect(one.node.watched.count("replica_ask_missed")).toBe(1);
    one.node.parts.hot.known.missed(one.relname);
    expect(await one.ask()).toEqual(["b owner"]);
  });

  test("nobody that is not of its level, nor itself, whatever an answer names", async () => {
    using one = make({ held: ["a", "stranger"], copies: ["a", "stranger"] });
    await one.ask();
    expect(await one.ask()).toEqual(["b owner"]);
  });

  test("the owner, when a stand-in came with the names of those that have that one", async () => {
    using one = make({ held: ["c"], copies: ["c"], standIn: true });
    await one.ask();
    expect(await one.ask()).toEqual(["b owner"]);
  });

  test("the owner after a purge", async () => {
    using one = make({ held: ["c"], copies: ["c"] });
    await one.ask();
    one.node.parts.hot.forget(new Set([one.id]));
    expect(await one.ask()).toEqual(["b owner"]);
  });
});

test("two accesses are counted in the path cache alone, the third is told to the hot-item tracker", async () => {
  using one = make({});
  const asked: string[] = [];
  const { hot } = one.node.parts;
  const heard = { ...hot, asked: (relname: string) => void asked.push(relname) };
  const fetchContent = makeFetchContent({ ...one.node.parts, hot: heard });
  const request = {
    webId: one.id,
    size: "sm",
    format: "jpg",
    accepted: [],
    head: false,
    redirected: false,
  } as const;
  for (const times of [0, 0, 1, 2]) {
    await fetchContent(request);
    expect(asked).toHaveLength(times);
  }
  expect(asked[0]).toBe(one.relname);
});
