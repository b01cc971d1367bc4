/** Connections to a peer: opened on demand, bounded, reused, and given up when stale or idle. */

import { describe, expect, test } from "bun:test";
import type { PeerAnswer } from "../../../src/mesh/peer.ts";
import { encodeError } from "../../../src/wire/encode.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startFakePeer, startOwner } from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(1000);

/** An owner whose answers wait for the test. */
function makeGate() {
  const waiting: PromiseWithResolvers<PeerAnswer>[] = [];
  return {
    handler: () => {
      const answer = Promise.withResolvers<PeerAnswer>();
      waiting.push(answer);
      return answer.promise;
    },
    get waiting() {
      return waiting.length;
    },
    open() {
      for (const answer of waiting.splice(0)) answer.resolve(answerOf(CONTENT));
    },
  };
}

describe("connections", () => {
  test("are opened one for each request under way, and reused afterwards", async () => {
    const gate = makeGate();
    await using owner = startOwner(gate.handler);
    using asker = startAsker(owner.port);
    const asked = [asker.ask(), asker.ask(), asker.ask()];
    await until(() => gate.waiting === 3);
    gate.open();
    for (const reply of await Promise.all(asked)) await readAll(reply.body);
    const again = asker.ask();
    await until(() => gate.waiting === 1);
    gate.open();
    await again;
    expect(owner.listener.connections).toBe(3);
  });

  test("are never more than the maximum: requests wait, and too many of them are refused", async () => {
    const gate = makeGate();
    await using owner = startOwner(gate.handler);
    using asker = startAsker(owner.port, { connectionsMax: 2, waitingMax: 3 });
    const asked = Array.from({ length: 5 }, () => asker.ask());
    await until(() => gate.waiting === 2);
    expect(asker.links.state("owner")).toEqual({ connections: 2, waiting: 3 });
    expect(await codeOf(asker.ask())).toBe("overloaded");
    const served = Promise.all(asked.map(async (reply) => readAll((await reply).body)));
    await until(() => {
      gate.open();
      return asker.links.state("owner").waiting === 0;
    });
    await until(() => gate.waiting > 0);
    gate.open();
    expect(await served).toHaveLength(5);
    expect(owner.listener.connections).toBe(2);
  });

  test("a request that waits for one gives up at its deadline and leaves the queue", async () => {
    const gate = makeGate();
    await using owner = startOwner(gate.handler);
    using asker = startAsker(owner.port, { connectionsMax: 1 });
    const first = asker.ask();
    await until(() => gate.waiting === 1);
    expect(await codeOf(asker.ask({ deadlineMs: 20 }))).toBe("too_slow");
    expect(asker.links.state("owner")).toEqual({ connections: 1, waiting: 0 });
    gate.open();
    expect(await readAll((await first).body)).toHaveLength(CONTENT.length);
  });

  test("a request that gave up while its connection was opened leaves it to the next one", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT));
    using slow = startFakePeer(() => undefined, "none");
    using asker = startAsker([slow.port, owner.port], {
      connectionsMax: 1,
      deadlines: { helloMs: 60 },
    });
    expect(await codeOf(asker.ask({ deadlineMs: 5 }))).toBe("too_slow");
    expect(asker.links.state("owner").connections).toBe(1);
    await readAll((await asker.ask()).body);
    expect(owner.listener.connections).toBe(1);
  });

  test("that are idle are closed after a while", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT));
    using asker = startAsker(owner.port, { deadlines: { linkIdleMs: 20 } });
    await readAll((await asker.ask()).body);
    await until(() => owner.listener.connections === 0);
    expect(asker.links.state("owner").connections).toBe(0);
    expect(asker.count("peer_error")).toBe(0);
    await readAll((await asker.ask()).body);
  });

  test("that were closed by the peer while idle are not used", async () => {
    await using first = startOwner(async () => answerOf(CONTENT));
    using asker = startAsker(first.port);
    await readAll((await asker.ask()).body);
    await first.listener.stop();
    await until(() => asker.links.state("owner").connections === 0);
    expect(asker.count("peer_error")).toBe(0);
  });
});

describe("a request on a connection that had become stale", () => {
  test("is made once more on a new one", async () => {
    let asked = 0;
    using peer = startFakePeer((piece, side, connection) => {
      if (piece.kind !== "ask") return;
      asked++;
      if (connection === 1 && asked === 2) side.reset();
      else side.send(encodeError({ code: "not_found" }));
    });
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask())).toBe("not_found");
    expect(await codeOf(asker.ask())).toBe("not_found");
    expect(asked).toBe(3);
    expect(peer.accepted).toBe(2);
    expect(asker.count("peer_error")).toBe(0);
  });

  test("is made only once more", async () => {
    let asked = 0;
    using peer = startFakePeer((piece, side) => {
      if (piece.kind !== "ask") return;
      asked++;
      if (asked === 1) side.send(encodeError({ code: "not_found" }));
      else side.reset();
    });
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask())).toBe("not_found");
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(asked).toBe(3);
  });

  test("is not made again once a byte of an answer has come", async () => {
    let asked = 0;
    using peer = startFakePeer((piece, side) => {
      if (piece.kind !== "ask") return;
      asked++;
      if (asked === 1) side.send(encodeError({ code: "not_found" }));
      else {
        side.send(Uint8Array.of(0));
        side.end();
      }
    });
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask())).toBe("not_found");
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(asked).toBe(2);
  });
});

describe("closing the links", () => {
  test("ends every request with draining, those that wait too, and leaves no connection", async () => {
    const gate = makeGate();
    await using owner = startOwner(gate.handler);
    using asker = startAsker(owner.port, { connectionsMax: 1 });
    const asked = [asker.ask(), asker.ask()].map(codeOf);
    await until(() => gate.waiting === 1);
    asker.links.close();
    expect(await Promise.all(asked)).toEqual(["draining", "draining"]);
    expect(await codeOf(asker.ask())).toBe("draining");
    await until(() => owner.listener.connections === 0);
  });
});

describe("a peer that has moved", () => {
  test("is dialled anew at once, while what is under way over the old connections ends", async () => {
    const gate = makeGate();
    await using former = startOwner(gate.handler);
    await using present = startOwner(async () => answerOf(CONTENT));
    let { port } = former;
    using asker = startAsker(0, { addresses: () => [{ host: "127.0.0.1", port }] });
    const early = asker.ask();
    await until(() => gate.waiting === 1);
    const idle = asker.ask();
    await until(() => gate.waiting === 2);
    ({ port } = present);
    asker.links.forget("owner");
    await readAll((await asker.ask()).body);
    expect(present.listener.connections).toBe(1);
    gate.open();
    for (const reply of await Promise.all([early, idle])) {
      expect(await readAll(reply.body)).toEqual(CONTENT);
    }
    // nobody uses them any more
    await until(() => former.listener.connections === 0);
    await readAll((await asker.ask()).body);
    expect(present.listener.connections).toBe(1);
  });

  test("takes its idle connections with it", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT));
    using asker = startAsker(owner.port);
    await readAll((await asker.ask()).body);
    expect(owner.listener.connections).toBe(1);
    asker.links.forget("owner");
    await until(() => owner.listener.connections === 0);
    expect(asker.links.state("owner")).toEqual({ connections: 0, waiting: 0 });
  });

  test("closing the links ends what is still under way there", async () => {
    const gate = makeGate();
    await using owner = startOwner(gate.handler);
    using asker = startAsker(owner.port);
    const asked = codeOf(asker.ask());
    await until(() => gate.waiting === 1);
    asker.links.forget("owner");
    asker.links.close();
    expect(await asked).toBe("draining");
    gate.open();
  });
});
