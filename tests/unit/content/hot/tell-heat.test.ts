/** What a server counts of what peers ask it, and tells them with the answer. */

import { expect, test } from "bun:test";
import { relnameOf } from "../../../../src/base/variant.ts";
import { tellHeat } from "../../../../src/content/hot/tell-heat.ts";
import { HIT, type Served } from "../../../../src/content/served.ts";
import { warmVariant } from "../../../../src/content/warm.ts";
import type { AskFromPeer } from "../../../../src/mesh/peer.ts";
import { metaOf } from "../../../support/cache-dir.ts";
import { makeNodeParts } from "../../../support/node-parts.ts";

const RELNAME = relnameOf({ id: "picture", size: "sm", ext: "jpg" });

test("an access by a server of the level counts, and its answer tells the load here; one from above does not", () => {
  using node = makeNodeParts({ self: "a", edges: ["a", "b"] });
  const asked: string[] = [];
  const { hot } = node.parts;
  const parts = { ...node.parts, hot: { ...hot, asked: (name: string) => void asked.push(name) } };
  const served: Served = { kind: "file", meta: metaOf(RELNAME, 10), outcome: HIT, path: "" };
  const from = (peer: string): AskFromPeer => ({
    ...{ relname: RELNAME, role: "owner", deadlineMs: 1, hops: 1, peer, legacy: false },
    signal: new AbortController().signal,
  });
  expect(tellHeat(parts, from("above"), served)).toEqual({});
  expect(asked).toEqual([]);
  expect(tellHeat(parts, from("b"), served)).toEqual({ load: { rate: 0, busy: 0 } });
  expect(asked).toEqual([RELNAME]);
  hot.follow({ rate: 7.4, copies: [[RELNAME, ["b", "c"]]] });
  expect(tellHeat(parts, from("b"), served)).toEqual({ held: ["c"], load: { rate: 7, busy: 0 } });
  const standIn = { ...served, outcome: { ...HIT, source: "stand-in" as const } };
  expect(tellHeat(parts, from("b"), standIn)).toEqual({ load: { rate: 7, busy: 0 } });
  expect(asked).toHaveLength(2);
  const copy = { ...from("b"), copy: true };
  expect(tellHeat(parts, copy, served)).toEqual({ held: ["c"], load: { rate: 7, busy: 0 } });
  expect(asked).toHaveLength(2);
});

test("what is fetched to be a copy is asked for as one: copies do not keep themselves hot", async () => {
  using node = makeNodeParts({ self: "a", edges: ["a", "b"], probing: false });
  await expect(warmVariant(node.parts, RELNAME, "b")).rejects.toMatchObject({ code: "not_found" });
  expect(node.asked).toMatchObject([{ peer: "b", request: { relname: RELNAME, copy: true } }]);
});
