/** What a listener says to extended and to legacy peers, as bare sockets see it. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import {
  encodeAsk,
  encodePurge,
  encodeRecord,
  encodeRequest,
  encodeWarm,
  HEARTBEAT_FRAME,
  PING_FRAME,
} from "../../../src/wire/encode.ts";
import {
  answerOf,
  bodyOf,
  dialRaw,
  EPOCH,
  noise,
  RELNAME,
  startOwner,
  variantOf,
} from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(100);
const ASK = encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 5000 });
const serve = async () => answerOf(CONTENT);
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("an extended peer", () => {
  test("is answered hello for hello, then = and . for ?", async () => {
    await using owner = startOwner(serve);
    using peer = await dialRaw(owner.port, { hello: true });
    await until(() => peer.says.length === 1);
    expect(peer.says[0]).toMatchObject({ kind: "hello", hello: { name: "owner", epoch: EPOCH } });
    peer.send(ASK);
    await until(() => peer.kinds.at(-1) === "end");
    expect(peer.kinds).toEqual(["hello", "save", "body", "bodyEnd", "end"]);
    expect(peer.says.at(-1)).toMatchObject({ end: { bytes: CONTENT.length } });
  });

  test("gets another nonce on each connection", async () => {
    await using owner = startOwner(serve);
    const nonces = new Set<string>();
    for (let i = 0; i < 3; i++) {
      using peer = await dialRaw(owner.port, { hello: true });
      await until(() => peer.says.length === 1);
      const [hello] = peer.says;
      if (hello?.kind === "hello") nonces.add(hello.hello.nonce);
    }
    expect(nonces.size).toBe(3);
  });

  test("is answered in order when it does not wait, the ping after the answer before it", async () => {
    await using owner = startOwner(serve);
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(Buffer.concat([ASK, PING_FRAME, encodeRequest(RELNAME)]));
    const one = ["save", "body", "bodyEnd", "end"];
    await until(() => peer.says.length === 10);
    expect(peer.kinds).toEqual(["hello", ...one, "pong", ...one]);
  });

  test("hears heartbeats while the handler works, and none inside the answer", async () => {
    const answer = Promise.withResolvers<void>();
    await using owner = startOwner(
      async () => {
        await answer.promise;
        return answerOf(CONTENT);
      },
      { deadlines: { heartbeatMs: 5 } },
    );
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK);
    await until(() => peer.kinds.filter((kind) => kind === "heartbeat").length >= 3);
    answer.resolve();
    await until(() => peer.kinds.at(-1) === "end");
    const save = peer.kinds.indexOf("save");
    expect(peer.kinds.slice(1, save).every((kind) => kind === "heartbeat")).toBe(true);
    expect(peer.kinds.slice(save)).toEqual(["save", "body", "bodyEnd", "end"]);
  });

  test("is told too_slow at its deadline, and what the handler gives later is given back", async () => {
    const late = bodyOf([CONTENT]);
    const answer = Promise.withResolvers<void>();
    let aborted = false;
    await using owner = startOwner(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      await answer.promise;
      return { ...answerOf(CONTENT), send: { kind: "body", body: late } };
    });
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(
      encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 20 }),
    );
    await until(() => peer.kinds.includes("error"));
    expect(peer.says.at(-1)).toMatchObject({ error: { code: "too_slow" } });
    expect(aborted).toBe(true);
    answer.resolve();
    await until(() => late.cancelled);
    peer.send(PING_FRAME);
    await until(() => peer.kinds.at(-1) === "pong");
  });

  test("that goes away aborts the handler's signal, and its source is given back", async () => {
    const reasons: unknown[] = [];
    const late = bodyOf([CONTENT]);
    await using owner = startOwner(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reasons.push(signal.reason);
      return { ...answerOf(CONTENT), send: { kind: "body", body: late } };
    });
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK);
    await until(() => owner.count("peer_request") === 1);
    peer.reset();
    await until(() => late.cancelled);
    expect(reasons[0]).toBeInstanceOf(Fault);
    expect(owner.listener.connections).toBe(0);
  });

  test("that goes away in mid-body has the source given back", async () => {
    const piece = noise(1024 * 1024);
    let cancelled = false;
    const body = {
      read: async () => piece,
      cancel() {
        cancelled = true;
      },
    };
    await using owner = startOwner(async () => ({
      ...answerOf(piece),
      meta: variantOf(2 ** 31),
      send: { kind: "body", body },
    }));
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK);
    await until(() => peer.kinds.includes("body"));
    peer.reset();
    await until(() => cancelled && owner.listener.connections === 0);
  });

  test("that goes away while the source is silent has the source given back", async () => {
    const silent = Promise.withResolvers<undefined>();
    let read = 0;
    const body = {
      read: () => (read++ === 0 ? Promise.resolve(CONTENT) : silent.promise),
      cancel: () => silent.reject(new Fault("peer_failed", "given up")),
    };
    await using owner = startOwner(async () => ({
      ...answerOf(CONTENT),
      meta: variantOf(1000),
      send: { kind: "body", body },
    }));
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK);
    await until(() => read === 2);
    peer.reset();
    await expect(silent.promise).rejects.toThrow("given up");
  });

  test("hears no heartbeat inside an answer, however slow it is", async () => {
    const rest = Promise.withResolvers<Uint8Array>();
    let read = 0;
    const pieces = [() => CONTENT, () => rest.promise, () => undefined];
    const body = { read: async () => pieces[read++]?.(), cancel() {} };
    await using owner = startOwner(
      async ({ role }) => {
        if (role === "local") return new Promise(() => undefined);
        return { ...answerOf(CONTENT), meta: variantOf(200), send: { kind: "body", body } };
      },
      { deadlines: { heartbeatMs: 5, drainFinishMs: 0 } },
    );
    using slow = await dialRaw(owner.port, { hello: true });
    using other = await dialRaw(owner.port, { hello: true });
    slow.send(ASK);
    await until(() => read === 2);
    other.send(
      encodeAsk({ relname: RELNAME, role: "local", epoch: EPOCH, hops: 0, deadlineMs: 9999 }),
    );
    await until(() => other.kinds.filter((kind) => kind === "heartbeat").length >= 4);
    rest.resolve(CONTENT);
    await until(() => slow.kinds.at(-1) === "end");
    expect(slow.kinds).toEqual(["hello", "save", "body", "body", "bodyEnd", "end"]);
  });

  test("that takes no byte of its answer for the stall time is cut, and the source given back", async () => {
    const piece = noise(1024 * 1024);
    let cancelled = false;
    const body = {
      read: async () => piece,
      cancel() {
        cancelled = true;
      },
    };
    await using owner = startOwner(
      async () => ({ ...answerOf(piece), meta: variantOf(2 ** 31), send: { kind: "body", body } }),
      { deadlines: { sendStallMs: 50 } },
    );
    using peer = await dialRaw(owner.port, { hello: true });
    await until(() => peer.kinds.includes("hello"));
    peer.pause();
    peer.send(ASK);
    await until(() => cancelled && owner.listener.connections === 0);
  });

  test("gets no end frame and no filling when the source ends short, throws, or runs on", async () => {
    const part = CONTENT.subarray(0, 60);
    const sources = [
      bodyOf([part]),
      bodyOf([part], new Fault("bad_origin", "the store broke off")),
      bodyOf([CONTENT, part]),
    ];
    await using owner = startOwner(async () => ({
      ...answerOf(CONTENT),
      send: { kind: "body", body: sources.shift() ?? bodyOf([]) },
    }));
    for (let i = 0; i < 3; i++) {
      using peer = await dialRaw(owner.port, { hello: true });
      peer.send(ASK);
      await until(() => peer.closed || peer.kinds.includes("error"));
      expect(peer.kinds).not.toContain("end");
    }
  });

  test("is told by a negative % of messages that this node does not take", async () => {
    await using owner = startOwner(serve);
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(encodeRecord({ hits: [{ relname: RELNAME, count: 3 }] }));
    peer.send(encodeWarm({ relname: RELNAME }));
    const entry = { id: "viral123", purgedAt: 1, action: "purge" } as const;
    peer.send(encodePurge({ entries: [entry], hops: 1 }));
    await until(() => peer.says.length === 4);
    const message = "this node does not take such messages";
    const no = { ok: false, code: "unsupported", message };
    expect(peer.says.slice(1)).toEqual([
      { kind: "ack", ack: { of: "@", ...no } },
      { kind: "ack", ack: { of: "-", relname: RELNAME, ...no } },
      { kind: "ack", ack: { of: "x", ...no } },
    ]);
    expect(owner.count("peer_dropped")).toBe(3);
  });
});

describe("a legacy peer", () => {
  test("gets a plain = for each +, in the order of asking, and a * for ^", async () => {
    const order = [30, 1, 10];
    await using owner = startOwner(async ({ relname, legacy, role, hops }) => {
      expect({ legacy, role, hops }).toEqual({ legacy: true, role: "owner", hops: 0 });
      for (let turns = order.shift() ?? 0; turns > 0; turns--) await nextTurn();
      const content = new TextEncoder().encode(relname);
      return { ...answerOf(content), meta: variantOf(content.length, { relname }) };
    });
    using peer = await dialRaw(owner.port, { hello: false });
    const names = ["aaaaaa", "bbbbbb", "cccccc"].map((id) => {
      const two = id.slice(0, 2);
      return `${two}/${two}/${two}/md/${id}.jpg`;
    });
    const asks = names.map((name) => encodeRequest(`/${name}`));
    peer.send(Buffer.concat([HEARTBEAT_FRAME, ...asks, PING_FRAME]));
    await until(() => peer.kinds.at(-1) === "pong");
    const one = ["save", "body", "bodyEnd"];
    expect(peer.kinds).toEqual([...one, ...one, ...one, "pong"]);
    const headers = peer.says.flatMap((piece) => (piece.kind === "save" ? [piece.header] : []));
    expect(headers).toEqual(names.map((relname) => ({ relname })));
  });

  test("gets a = of zero bytes for what is not found, and is closed for other failures", async () => {
    const faults = [new Fault("not_found", "none"), new Fault("overloaded", "later")];
    await using owner = startOwner(async () => {
      throw faults.shift() ?? new Fault("internal", "no more");
    });
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(Buffer.concat([encodeRequest(RELNAME), encodeRequest(RELNAME)]));
    await until(() => peer.closed);
    expect(peer.says).toEqual([
      { kind: "save", header: { relname: RELNAME }, bodyBytes: 0 },
      { kind: "bodyEnd" },
    ]);
  });

  test("has its records and warms dropped without a word", async () => {
    await using owner = startOwner(serve);
    using peer = await dialRaw(owner.port, { hello: false });
    const record = encodeRecord({ hits: [{ relname: RELNAME, count: 1 }] });
    peer.send(Buffer.concat([encodeWarm({ relname: RELNAME }), record]));
    peer.send(PING_FRAME);
    await until(() => peer.says.length === 1);
    expect(peer.kinds).toEqual(["pong"]);
    expect(owner.count("peer_dropped")).toBe(2);
  });
});
