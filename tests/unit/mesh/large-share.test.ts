/** Large bodies leave connections to a peer for small ones. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { LargeShare } from "../../../src/mesh/large-share.ts";
import type { PeerHandler, PeerReply } from "../../../src/mesh/peer.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startOwner } from "../../support/peers.ts";
import { until } from "../../support/until.ts";

/** More than the kernel takes unread, so that it is under way until somebody reads it. */
const LARGE = noise(12_000_000);
const SMALL = noise(1000);
const LARGE_NAME = "la/rg/e1/md/large123.jpg";
const SMALL_NAME = "sm/al/l1/md/small123.jpg";

const serve: PeerHandler = async ({ relname }) => {
  const { meta, ...rest } = answerOf(relname === LARGE_NAME ? LARGE : SMALL);
  return { ...rest, meta: { ...meta, relname } };
};

async function isWhole(reply: PeerReply, content: Uint8Array): Promise<boolean> {
  return Buffer.compare(await readAll(reply.body), content) === 0;
}

describe("large bodies from one peer", () => {
  test("never take all connections: small ones are answered beside them", async () => {
    await using owner = startOwner(serve);
    using asker = startAsker(owner.port, { connectionsMax: 4, largeMax: 2 });
    const held = await Promise.all([1, 2].map(() => asker.ask({ relname: LARGE_NAME })));
    const later = [1, 2, 3].map(() => asker.ask({ relname: LARGE_NAME }));
    await until(() => asker.links.state("owner").waiting === 3, "they wait for their turn");
    for (let i = 0; i < 20; i++) {
      expect(await isWhole(await asker.ask({ relname: SMALL_NAME }), SMALL)).toBe(true);
    }
    expect(asker.links.state("owner").connections).toBeLessThanOrEqual(4);
    // each that ends lets the next one come
    for (const reply of held) expect(await isWhole(reply, LARGE)).toBe(true);
    for (const reply of later) expect(await isWhole(await reply, LARGE)).toBe(true);
    expect(asker.links.state("owner").waiting).toBe(0);
    expect(asker.count("peer_error")).toBe(0);
  });

  test("make room when they are given up, or break off", async () => {
    await using owner = startOwner(serve);
    using asker = startAsker(owner.port, { connectionsMax: 3, largeMax: 1 });
    for (let i = 0; i < 5; i++) (await asker.ask({ relname: LARGE_NAME })).body.cancel();
    const reply = await asker.ask({ relname: LARGE_NAME });
    const waiting = asker.ask({ relname: LARGE_NAME });
    await until(() => asker.links.state("owner").waiting === 1);
    reply.body.cancel();
    expect(await isWhole(await waiting, LARGE)).toBe(true);
  });

  test("wait no longer than they have time", async () => {
    await using owner = startOwner(serve);
    using asker = startAsker(owner.port, { connectionsMax: 3, largeMax: 1 });
    const held = await asker.ask({ relname: LARGE_NAME });
    const late = asker.ask({ relname: LARGE_NAME, deadlineMs: 300 });
    expect(await codeOf(late)).toBe("too_slow");
    expect(asker.links.state("owner").waiting).toBe(0);
    expect(await isWhole(held, LARGE)).toBe(true);
  });

  test("that wait end with the links", async () => {
    await using owner = startOwner(serve);
    using asker = startAsker(owner.port, { connectionsMax: 3, largeMax: 1 });
    const held = await asker.ask({ relname: LARGE_NAME });
    const waiting = asker.ask({ relname: LARGE_NAME });
    await until(() => asker.links.state("owner").waiting === 1);
    asker.links.close();
    expect(await codeOf(waiting)).toBe("draining");
    expect(await codeOf(readAll(held.body))).toBe("draining");
  });

  test("leave no place behind when the answer is small, refused, or cannot be had", async () => {
    await using owner = startOwner(async (request) => {
      if (request.hops === 7) throw new Error("refused");
      return serve(request);
    });
    using asker = startAsker(owner.port, { connectionsMax: 3, largeMax: 1 });
    for (let i = 0; i < 10; i++) {
      await readAll((await asker.ask({ relname: SMALL_NAME })).body);
      await codeOf(asker.ask({ relname: LARGE_NAME, hops: 7 }));
    }
    expect(await isWhole(await asker.ask({ relname: LARGE_NAME }), LARGE)).toBe(true);
  });
});

describe("the share", () => {
  test("is 24 of the 32 connections, so that 8 are always for small bodies", () => {
    expect([LIMITS.linkLargeMax, LIMITS.linkConnectionsMax]).toEqual([24, 32]);
  });

  test("is given in the order of waiting, and to nobody who has not waited before those", async () => {
    const share = new LargeShare({ peer: "owner", bodiesMax: 1, waitingMax: 2 });
    expect([share.enter(), share.enter()]).toEqual([true, false]);
    const came: string[] = [];
    const turns = ["a", "b"].map((name) => share.turn(10_000).then(() => came.push(name)));
    expect(share.waiting).toBe(2);
    expect(await codeOf(share.turn(10_000))).toBe("overloaded");
    share.leave();
    await turns[0];
    expect([...came, share.enter()]).toEqual(["a", false]);
    share.leave();
    await turns[1];
    share.leave();
    expect([...came, share.enter()]).toEqual(["a", "b", true]);
  });
});
