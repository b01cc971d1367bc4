/** Peers of the original protocol: dialled with its eight commands and nothing else, and heard. */

import { describe, expect, test } from "bun:test";
import { UNKNOWN_FACTS } from "../../../src/base/variant.ts";
import type { PeerHandlers, Tell } from "../../../src/mesh/tell.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import {
  legacyContent,
  legacyFrame,
  readLegacyContent,
  startLegacyPeer,
} from "../../support/legacy-peer.ts";
import {
  answerOf,
  dialRaw,
  noise,
  RELNAME,
  startAsker,
  startOwner,
  variantOf,
} from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(5_000_000);
const OTHER = "ph/ot/o1/orig/photo123.png";
const askerOf = (port: number, change: object = {}) =>
  startAsker(port, { legacy: () => true, ...change });

describe("a legacy peer is asked", () => {
  test("by a bare + on a connection without hello, and its = is the answer", async () => {
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port, { credentials: { keys: ["the key of this year"] } });
    for (const bytes of [1, 65_535, 65_536, 65_537, CONTENT.length]) {
      peer.stored.set(RELNAME, Buffer.from(CONTENT.subarray(0, bytes)));
      const { meta, via, body } = await asker.ask();
      expect(meta).toMatchObject({ relname: RELNAME, bytes, facts: UNKNOWN_FACTS, lossySteps: 1 });
      expect(via).toBe("");
      expect(Buffer.compare(await readAll(body), CONTENT.subarray(0, bytes))).toBe(0);
    }
    expect(new Set(peer.heard.map(({ command }) => command))).toEqual(new Set(["+"]));
    expect(peer.heard[0]?.data.toString()).toBe(RELNAME);
    expect(peer.accepted).toBe(1);
  });

  test("for an original, which has lost nothing", async () => {
    using peer = startLegacyPeer();
    peer.stored.set(OTHER, Buffer.from("abc"));
    using asker = askerOf(peer.port);
    expect((await asker.ask({ relname: OTHER })).meta.lossySteps).toBe(0);
  });

  test("and no content means not found, closing means that it failed", async () => {
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port);
    for (let i = 0; i < 3; i++) expect(await codeOf(asker.ask())).toBe("not_found");
    expect(peer.accepted).toBe(1);
    peer.closeOn.add(RELNAME);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(await codeOf(asker.ask({ deadlineMs: 2000, relname: OTHER }))).toBe("not_found");
  });

  test("between heartbeats, pings and pongs of its own", async () => {
    using peer = startLegacyPeer();
    peer.chatter = Buffer.concat([
      legacyFrame("#", "HEARTBEAT"),
      legacyFrame("^", "PING"),
      legacyFrame("*", "PONG"),
    ]);
    peer.stored.set(RELNAME, Buffer.from(CONTENT));
    using asker = askerOf(peer.port);
    expect(await readAll((await asker.ask()).body)).toHaveLength(CONTENT.length);
    await until(() => peer.heard.some(({ command }) => command === "*"));
  });

  test("with a validator that is the same for everybody who asks, and another for other lengths", async () => {
    using peer = startLegacyPeer();
    const validators = new Set<string>();
    for (const bytes of [10, 10, 11]) {
      peer.stored.set(RELNAME, Buffer.from(CONTENT.subarray(0, bytes)));
      using asker = askerOf(peer.port);
      const { meta } = await asker.ask();
      validators.add(meta.validator);
      const again = await asker.ask({ ifNoneMatch: meta.validator });
      expect(await readAll(again.body)).toHaveLength(0);
    }
    expect(validators.size).toBe(2);
  });

  test("for what it cannot say: head, facts and offsets come out of the whole", async () => {
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port);
    for (const bytes of [1000, CONTENT.length]) {
      peer.stored.set(RELNAME, Buffer.from(CONTENT.subarray(0, bytes)));
      for (const request of [{ head: true }, { facts: true }]) {
        const { meta, body } = await asker.ask(request);
        expect([meta.bytes, (await readAll(body)).length]).toEqual([bytes, 0]);
      }
      for (const offset of [1, 999, bytes - 1, bytes]) {
        const rest = await readAll((await asker.ask({ offset })).body);
        expect(Buffer.compare(rest, CONTENT.subarray(offset, bytes))).toBe(0);
      }
      expect(await codeOf(asker.ask({ offset: bytes + 1 }))).toBe("range_not_satisfiable");
    }
    expect(asker.count("peer_error")).toBe(0);
  });

  test("never for its disk alone, which + does not mean", async () => {
    using peer = startLegacyPeer();
    peer.stored.set(RELNAME, Buffer.from("abc"));
    using asker = askerOf(peer.port);
    expect(await codeOf(asker.ask({ role: "local" }))).toBe("not_found");
    expect(peer.heard).toEqual([]);
  });
});

describe("a legacy peer is told", () => {
  test("content by a = or & that says the relname alone; a ping behind it shows that it was read", async () => {
    using dir = makeTempDir();
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port);
    for (const [kind, command] of [
      ["save", "="],
      ["rebalance", "&"],
    ] as const) {
      for (const bytes of [0, 1, CONTENT.length]) {
        const path = dir.write("content", CONTENT.subarray(0, bytes));
        const meta = variantOf(bytes);
        const told = await asker.tell({ kind, meta, path, upload: { webId: "my-cat" } });
        expect(told).toEqual({ ok: true, note: "sent" });
        const [save, ping] = peer.heard.splice(0);
        expect([save?.command, ping?.command]).toEqual([command, "^"]);
        const { relname, content } = readLegacyContent(save?.data ?? Buffer.alloc(0));
        expect(relname).toBe(RELNAME);
        expect(Buffer.compare(content, CONTENT.subarray(0, bytes))).toBe(0);
      }
    }
    expect(peer.accepted).toBe(1);
  });

  test("content that it refuses by closing is peer_failed", async () => {
    using dir = makeTempDir();
    using peer = startLegacyPeer();
    peer.closeOn.add(RELNAME);
    using asker = askerOf(peer.port);
    const path = dir.write("content", "abc");
    expect(await codeOf(asker.tell({ kind: "save", meta: variantOf(3), path }))).toBe(
      "peer_failed",
    );
  });

  test("warms by relname, and hits one by one", async () => {
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port);
    await asker.tell({ kind: "warm", relname: RELNAME, owner: "edge1" });
    const hits = [
      { relname: RELNAME, count: 7 },
      { relname: OTHER, count: 1 },
    ];
    await asker.tell({ kind: "record", hits });
    const said = peer.heard.map(({ command, data }) => `${command}${data}`);
    expect(said).toEqual([
      `-${RELNAME}`,
      "^PING",
      `@{"relname":"${RELNAME}","hits":7}`,
      `@{"relname":"${OTHER}","hits":1}`,
      "^PING",
    ]);
  });

  test("no purge, for which it has no word", async () => {
    using peer = startLegacyPeer();
    using asker = askerOf(peer.port);
    const purge: Tell = { kind: "purge", entries: [], hops: 0 };
    expect(await codeOf(asker.tell(purge))).toBe("peer_failed");
    expect(peer.heard).toEqual([]);
  });
});

describe("what a legacy peer tells", () => {
  function makeNoted(fail = false) {
    const heard: unknown[] = [];
    const note = async (message: object) => {
      heard.push(message);
      if (fail) throw new Error("no");
      return { note: "" };
    };
    const handlers: PeerHandlers = {
      ask: async () => answerOf(CONTENT.subarray(0, 3)),
      warm: note,
      record: note,
      save: async ({ body, ...message }) => {
        const content = await readAll(body);
        return note({ ...message, content: Buffer.from(content).toString("latin1") });
      },
    };
    return { heard, handlers };
  }
  const record = legacyFrame("@", JSON.stringify({ relname: RELNAME, hits: 2 }));
  const bare = legacyFrame("@", JSON.stringify({ relname: RELNAME }));

  test("reaches the handlers in its order, without a word back", async () => {
    const { heard, handlers } = makeNoted();
    await using owner = startOwner(handlers);
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(
      Buffer.concat([
        legacyFrame("=", legacyContent(RELNAME, Buffer.from("one"))),
        legacyFrame("&", legacyContent(`/${RELNAME}`, Buffer.alloc(0))),
        legacyFrame("-", `/${RELNAME}`),
        ...[record, bare],
        legacyFrame("+", RELNAME),
        legacyFrame("^", "PING"),
      ]),
    );
    await until(() => peer.kinds.at(-1) === "pong");
    expect(peer.kinds).toEqual(["save", "body", "bodyEnd", "pong"]);
    const from = { legacy: true, peer: "127.0.0.1" };
    expect(heard).toMatchObject([
      { ...from, kind: "save", meta: { relname: RELNAME }, bytes: 3, content: "one" },
      { ...from, kind: "rebalance", meta: { relname: RELNAME }, bytes: 0, content: "" },
      { ...from, relname: RELNAME },
      { ...from, hits: [{ relname: RELNAME, count: 2 }] },
      { ...from, hits: [{ relname: RELNAME, count: 1 }] },
    ]);
    expect(owner.count("peer_told")).toBe(5);
  });

  test("of any length comes byte for byte", async () => {
    const { heard, handlers } = makeNoted();
    await using owner = startOwner(handlers);
    using peer = await dialRaw(owner.port, { hello: false });
    for (const bytes of [65_536, 65_537, CONTENT.length]) {
      peer.send(legacyFrame("=", legacyContent(RELNAME, CONTENT.subarray(0, bytes))));
      await until(() => heard.length === 1);
      const content = Buffer.from(CONTENT.subarray(0, bytes)).toString("latin1");
      expect(heard.splice(0)).toMatchObject([{ content }]);
    }
    expect(peer.closed).toBe(false);
  });

  test("and is refused: a Save closes the connection, the rest is dropped", async () => {
    const { handlers } = makeNoted(true);
    await using owner = startOwner(handlers);
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(Buffer.concat([record, legacyFrame("-", RELNAME), legacyFrame("^", "PING")]));
    await until(() => peer.kinds.at(-1) === "pong");
    peer.send(legacyFrame("=", legacyContent(RELNAME, Buffer.from("one"))));
    await until(() => peer.closed);
    expect(peer.kinds).toEqual(["pong"]);
  });

  test("and is cut inside its content never ends well for who reads it", async () => {
    let outcome: string | undefined;
    await using owner = startOwner({
      ask: async () => answerOf(CONTENT.subarray(0, 3)),
      save: async ({ body }) => {
        outcome = await codeOf(readAll(body));
        return { note: "" };
      },
    });
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(legacyFrame("=", legacyContent(RELNAME, CONTENT)).subarray(0, -1));
    peer.end();
    await until(() => outcome !== undefined);
    expect(outcome).toBe("peer_failed");
  });
});
