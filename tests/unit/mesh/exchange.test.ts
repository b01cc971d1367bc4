/** A node asks another one: every byte arrives as it was sent, under every kind of source and load. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { AnswerSource, PeerHandler } from "../../../src/mesh/peer.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import {
  answerOf,
  bodyOf,
  noise,
  RELNAME,
  startAsker,
  startOwner,
  variantOf,
} from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const CONTENT = noise(20_000_000);
const SIZES = [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, MiB - 1, MiB, MiB + 1, CONTENT.length];

type Kind = Exclude<AnswerSource["kind"], "none">;

function sourceOf(kind: Kind, bytes: number, path: string): AnswerSource {
  const content = CONTENT.subarray(0, bytes);
  if (kind === "file") return { kind, path };
  if (kind === "bytes") return { kind, bytes: content };
  const cuts = Array.from({ length: Math.ceil(bytes / 100_001) }, (_, i) => i * 100_001);
  return { kind, body: bodyOf(cuts.map((at) => content.subarray(at, at + 100_001))) };
}

describe("a body from a peer", () => {
  for (const kind of ["file", "bytes", "body"] as const) {
    test(`out of ${kind} arrives byte for byte: 0 B, 1 B, around 64 KiB and 1 MiB, 20 MB`, async () => {
      using dir = makeTempDir();
      let bytes = 0;
      await using owner = startOwner(async () => ({
        ...answerOf(CONTENT.subarray(0, bytes)),
        send: sourceOf(kind, bytes, dir.write("content", CONTENT.subarray(0, bytes))),
      }));
      using asker = startAsker(owner.port);
      for (bytes of SIZES) {
        const reply = await asker.ask();
        expect(reply.meta).toEqual(variantOf(bytes));
        const received = await readAll(reply.body);
        expect(received.length).toBe(bytes);
        expect(Buffer.compare(received, CONTENT.subarray(0, bytes))).toBe(0);
      }
      expect(asker.links.state("owner").connections).toBe(1);
      expect(owner.count("peer_request")).toBe(SIZES.length);
    });

    test(`out of ${kind} goes on from an offset`, async () => {
      using dir = makeTempDir();
      const path = dir.write("content", CONTENT.subarray(0, MiB));
      await using owner = startOwner(async () => ({
        ...answerOf(CONTENT.subarray(0, MiB)),
        send: sourceOf(kind, MiB, path),
      }));
      using asker = startAsker(owner.port);
      for (const offset of [1, 100_001, MiB - 1, MiB]) {
        const reply = await asker.ask({ offset });
        expect(reply.meta.bytes).toBe(MiB);
        const received = await readAll(reply.body);
        expect(Buffer.compare(received, CONTENT.subarray(offset, MiB))).toBe(0);
      }
      expect(await codeOf(asker.ask({ offset: MiB + 1 }))).toBe("range_not_satisfiable");
    });
  }

  test("stays where it is while the reader is slow: the owner never gets far ahead", async () => {
    const total = 192 * MiB;
    const piece = CONTENT.subarray(0, MiB);
    let produced = 0;
    const body = {
      async read() {
        if (produced === total) return undefined;
        produced += piece.length;
        return piece;
      },
      cancel() {},
    };
    await using owner = startOwner(async () => ({
      ...answerOf(piece),
      meta: variantOf(total),
      send: { kind: "body", body },
    }));
    using asker = startAsker(owner.port);
    const reply = await asker.ask();
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let handed = 0;
    let aheadMost = 0;
    let rssMost = 0;
    for (let part = await reply.body.read(); part; part = await reply.body.read()) {
      handed += part.length;
      // the owner has every chance to run ahead
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      aheadMost = Math.max(aheadMost, produced - handed);
      rssMost = Math.max(rssMost, process.memoryUsage.rss() - before);
    }
    expect(handed).toBe(total);
    // what the kernel holds of a connection on loopback, and a buffer or two
    expect(aheadMost).toBeLessThan(16 * MiB);
    expect(rssMost).toBeLessThan(96 * MiB);
  });

  test("frees its connection as soon as it is whole, read or not", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT.subarray(0, 1000)));
    using asker = startAsker(owner.port, { connectionsMax: 1 });
    const unread = [await asker.ask(), await asker.ask(), await asker.ask()];
    for (const reply of unread) expect(await readAll(reply.body)).toHaveLength(1000);
  });

  test("cancelled in its middle gives the slot back, and the source too", async () => {
    const body = bodyOf(Array.from({ length: 64 }, () => CONTENT.subarray(0, MiB)));
    let asked = 0;
    await using owner = startOwner(async () => {
      asked++;
      if (asked > 1) return answerOf(CONTENT.subarray(0, 5));
      return { ...answerOf(CONTENT), meta: variantOf(64 * MiB), send: { kind: "body", body } };
    });
    using asker = startAsker(owner.port, { connectionsMax: 1 });
    const reply = await asker.ask();
    await reply.body.read();
    const waiting = asker.ask();
    reply.body.cancel();
    reply.body.cancel();
    expect(await readAll((await waiting).body)).toHaveLength(5);
    expect(await codeOf(reply.body.read())).toBe("peer_failed");
    await until(() => body.cancelled);
    expect(asker.count("peer_error")).toBe(0);
  });

  test("cancelled after its end is no failure, and its connection serves on", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT.subarray(0, 5)));
    using asker = startAsker(owner.port);
    for (let i = 0; i < 3; i++) {
      const { body } = await asker.ask();
      await readAll(body);
      body.cancel();
    }
    expect(owner.listener.connections).toBe(1);
  });
});

describe("an answer without a body", () => {
  for (const request of [{ head: true }, { facts: true }, { ifNoneMatch: "00112233445566ff" }]) {
    test(`to ${Object.keys(request)[0]} has the true length and gives the source back`, async () => {
      const body = bodyOf([CONTENT]);
      await using owner = startOwner(async () => ({
        ...answerOf(CONTENT),
        send: { kind: "body", body },
      }));
      using asker = startAsker(owner.port);
      const reply = await asker.ask(request);
      expect(reply.meta).toEqual(variantOf(CONTENT.length));
      expect(await reply.body.read()).toBeUndefined();
      expect(body.cancelled).toBe(true);
    });
  }

  test("is what a handler without a source gives", async () => {
    await using owner = startOwner(async () => ({
      ...answerOf(CONTENT),
      send: { kind: "none" },
    }));
    using asker = startAsker(owner.port);
    expect(await readAll((await asker.ask({ offset: 7 })).body)).toHaveLength(0);
  });

  test("does not follow from a validator that has changed", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT.subarray(0, 9)));
    using asker = startAsker(owner.port);
    const { body } = await asker.ask({ ifNoneMatch: "ffffffffffffffff" });
    expect(await readAll(body)).toHaveLength(9);
  });
});

describe("a request", () => {
  test("arrives as it was made, with the name of the asker", async () => {
    const seen: Parameters<PeerHandler>[0][] = [];
    await using owner = startOwner(async (request) => {
      seen.push(request);
      return answerOf(CONTENT.subarray(0, 1));
    });
    using asker = startAsker(owner.port);
    await readAll(
      (await asker.ask({ role: "local", deadlineMs: 5000.7, originalExt: "heic" })).body,
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ relname: RELNAME, role: "local", hops: 1, peer: "asker" });
    expect(seen[0]).toMatchObject({ legacy: false, originalExt: "heic" });
    expect(seen[0]?.deadlineMs).toBeLessThanOrEqual(5000);
    expect(seen[0]?.deadlineMs).toBeGreaterThan(4000);
  });

  test("carries via and detail back", async () => {
    const via = "mir-r1; hit, mir-e2; fwd=uri-miss";
    await using owner = startOwner(async () => ({
      ...answerOf(CONTENT.subarray(0, 1)),
      via,
      detail: "upstream",
    }));
    using asker = startAsker(owner.port);
    expect(await asker.ask()).toMatchObject({ via, detail: "upstream" });
  });

  test("is counted when it comes under another topology, and served all the same", async () => {
    await using owner = startOwner(async () => answerOf(CONTENT.subarray(0, 3)));
    using asker = startAsker(owner.port, { epoch: "ffffffffffffffff" });
    expect(await readAll((await asker.ask()).body)).toHaveLength(3);
    expect(owner.count("epoch_mismatch")).toBe(1);
  });

  test("of more hops than a mesh can have is refused as a loop, unseen by the handler", async () => {
    let asked = 0;
    await using owner = startOwner(async () => {
      asked++;
      return answerOf(CONTENT.subarray(0, 3));
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.ask({ hops: LIMITS.hopsMax + 1 }))).toBe("no_origin");
    expect(asked).toBe(0);
    await asker.ask({ hops: LIMITS.hopsMax });
  });

  test("that is refused rejects with the peer's own Fault, and the connection serves on", async () => {
    const faults = [
      new Fault("not_found", "there is none"),
      new Fault("overloaded", "later", { retryAfterMs: 1234.5 }),
      new Error("a bug"),
    ];
    await using owner = startOwner(async () => {
      throw faults.shift() ?? new Fault("draining", "bye");
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.ask())).toBe("not_found");
    const overloaded = await faultOf(asker.ask());
    expect(overloaded.code).toBe("overloaded");
    expect(overloaded.retryAfterMs).toBe(1235);
    expect(await codeOf(asker.ask())).toBe("internal");
    expect(await codeOf(asker.ask())).toBe("draining");
    expect(owner.listener.connections).toBe(1);
    expect(asker.count("peer_error")).toBe(0);
    expect(owner.lines.some((line) => line.includes("a bug"))).toBe(true);
  });

  test("whose source is not what it should be is refused before a byte of it is sent", async () => {
    using dir = makeTempDir();
    const path = dir.write("short", CONTENT.subarray(0, 999));
    const broken = bodyOf([], new Fault("bad_origin", "the store broke off"));
    const sends: AnswerSource[] = [
      { kind: "file", path },
      { kind: "file", path: `${path}.gone` },
      { kind: "bytes", bytes: CONTENT.subarray(0, 1001) },
      { kind: "body", body: broken },
    ];
    await using owner = startOwner(async () => ({
      ...answerOf(CONTENT.subarray(0, 1000)),
      send: sends.shift() ?? { kind: "none" },
    }));
    using asker = startAsker(owner.port);
    for (const code of ["peer_failed", "peer_failed", "peer_failed", "bad_origin"] as const) {
      expect(await codeOf(asker.ask())).toBe(code);
    }
    expect(broken.cancelled).toBe(true);
    expect(owner.listener.connections).toBe(1);
  });
});

test("two hundred requests at once share at most 32 connections, and each gets its own answer", async () => {
  let most = 0;
  await using owner = startOwner(async ({ relname }) => {
    most = Math.max(most, owner.listener.connections);
    const id = relname.slice(-12, -4);
    const content = new TextEncoder().encode(id.repeat(4000));
    return { ...answerOf(content), meta: variantOf(content.length, { relname }) };
  });
  using asker = startAsker(owner.port);
  const ids = Array.from({ length: 200 }, (_, i) => `photo${String(i).padStart(3, "0")}`);
  const bodies = await Promise.all(
    ids.map(async (id) => {
      const relname = `ph/ot/o${id.slice(5, 6)}/md/${id}.jpg`;
      return readAll((await asker.ask({ relname })).body);
    }),
  );
  expect(bodies.map((body) => new TextDecoder().decode(body.subarray(-8)))).toEqual(ids);
  expect(most).toBe(LIMITS.linkConnectionsMax);
  expect(asker.links.state("owner")).toEqual({ connections: 32, waiting: 0 });
});
