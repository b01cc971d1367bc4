/** The mark of another variant in place of the one asked for: it reaches who asked for such, and nobody else. */

import { expect, test } from "bun:test";
import type { PeerHandler } from "../../../src/mesh/peer.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startOwner, variantOf } from "../../support/peers.ts";

const LARGER = "vi/ra/l1/lg/viral123.webp";
const larger: PeerHandler = async () => ({
  ...answerOf(noise(1000)),
  meta: variantOf(1000, { relname: LARGER }),
  standIn: true,
});

test("who says that one will do gets it under its own name, marked", async () => {
  const heard: unknown[] = [];
  await using owner = startOwner((request) => {
    heard.push(request.standIn);
    return larger(request);
  });
  using asker = startAsker(owner.port);
  const reply = await asker.ask({ standIn: true });
  expect([reply.standIn, reply.meta.relname]).toEqual([true, LARGER]);
  expect((await readAll(reply.body)).length).toBe(1000);
  expect(heard).toEqual([true]);
});

test("the right one has no mark", async () => {
  await using owner = startOwner(async () => answerOf(noise(10)));
  using asker = startAsker(owner.port);
  const reply = await asker.ask({ standIn: true });
  expect(reply.standIn).toBeUndefined();
  await readAll(reply.body);
});

test("to an ask that did not say so it is a breach of the protocol", async () => {
  await using owner = startOwner(larger);
  using asker = startAsker(owner.port);
  expect(await codeOf(asker.ask())).toBe("bad_frame");
});
