/** What a listener closes connections for, its limits, and how it stops. */

import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../src/wire/commands.ts";
import {
  encodeAsk,
  encodeError,
  encodeHello,
  encodeRebalanceHead,
  encodeRequest,
  encodeSaveHead,
  PING_FRAME,
} from "../../../src/wire/encode.ts";
import { answerOf, dialRaw, EPOCH, noise, RELNAME, startOwner } from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(100);
const ASK = encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 5000 });
const serve = async () => answerOf(CONTENT);

describe("a connection is closed with a logged reason and counted when it", () => {
  const hello = encodeHello({ name: "a", epoch: EPOCH, version: 1, nonce: "0".repeat(64) });
  const equals = COMMANDS.save.byte.charCodeAt(0);
  const breaches: Record<string, [Uint8Array[], string]> = {
    "claims a terabyte": [[Uint8Array.of(255, 255, 255, 255, 255, equals)], "at most"],
    "sends an unknown command": [[hello, Uint8Array.of(0, 0, 0, 0, 1, 0x5a)], "unknown command"],
    "sends bad JSON": [[Uint8Array.of(0, 0, 0, 0, 6, 0x21, 0, 0, 2, 0x7b, 0x7b)], "no JSON"],
    "asks before a hello": [[ASK], "before a hello"],
    "says hello twice": [[hello, hello], "second hello"],
    "answers instead of asking": [[hello, encodeError({ code: "x" })], "from a dialler"],
    "brings a Save without length and validator": [
      [hello, encodeSaveHead({ relname: RELNAME }, 9)],
      "needs bytes and validator",
    ],
    "brings a part of a variant": [
      [hello, encodeSaveHead({ relname: RELNAME, offset: 1 }, 9)],
      "it is whole",
    ],
    "is legacy and brings a Rebalance that nobody takes": [
      [encodeRebalanceHead({ relname: RELNAME }, 9)],
      "takes no content",
    ],
    "is legacy and announces another length than it sends": [
      [encodeSaveHead({ relname: RELNAME, bytes: 8 }, 9)],
      "8 were announced",
    ],
    "is legacy and turns extended": [[PING_FRAME, hello], "began without a hello"],
  };
  for (const [name, [frames, reason]] of Object.entries(breaches)) {
    test(name, async () => {
      await using owner = startOwner(serve);
      using peer = await dialRaw(owner.port, { hello: false });
      peer.send(Buffer.concat(frames));
      await until(() => peer.closed);
      expect(owner.count("peer_refused")).toBe(1);
      expect(owner.lines.join("")).toContain(reason);
      expect(owner.listener.connections).toBe(0);
    });
  }

  test("says nothing in time", async () => {
    await using owner = startOwner(serve, { deadlines: { helloMs: 20 } });
    using peer = await dialRaw(owner.port, { hello: false });
    await until(() => peer.closed);
    expect(owner.lines.join("")).toContain("no hello in time");
  });

  test("drips its hello past that time", async () => {
    await using owner = startOwner(serve, { deadlines: { helloMs: 30 } });
    using peer = await dialRaw(owner.port, { hello: false });
    let at = 0;
    await until(() => {
      if (at < hello.length - 1) peer.send(hello.subarray(at, ++at));
      return peer.closed;
    });
    expect(peer.says).toEqual([]);
  });

  test("sends half a frame and falls silent", async () => {
    await using owner = startOwner(serve, { deadlines: { frameStallMs: 20 } });
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK.subarray(0, 20));
    await until(() => peer.closed);
    expect(peer.kinds).toEqual(["hello"]);
    expect(owner.lines.join("")).toContain("half a frame");
  });

  test("is one more than there may be", async () => {
    await using owner = startOwner(serve, { connectionsMax: 2 });
    using first = await dialRaw(owner.port, { hello: true });
    using second = await dialRaw(owner.port, { hello: true });
    await until(() => owner.listener.connections === 2);
    using third = await dialRaw(owner.port, { hello: true });
    await until(() => third.closed);
    expect(owner.lines.join("")).toContain("too many connections");
    first.send(PING_FRAME);
    second.send(PING_FRAME);
    await until(() => first.kinds.includes("pong") && second.kinds.includes("pong"));
  });
});

describe("a listener", () => {
  test("closes idle connections without counting them", async () => {
    await using owner = startOwner(serve, { deadlines: { linkIdleMs: 10 } });
    using peer = await dialRaw(owner.port, { hello: true });
    await until(() => peer.closed);
    expect(peer.kinds).toEqual(["hello"]);
    expect(owner.count("peer_refused")).toBe(0);
  });

  test("that stops lets the request under way finish and closes the idle ones", async () => {
    const answer = Promise.withResolvers<void>();
    const owner = startOwner(async () => {
      await answer.promise;
      return answerOf(CONTENT);
    });
    using busy = await dialRaw(owner.port, { hello: true });
    using idle = await dialRaw(owner.port, { hello: true });
    busy.send(ASK);
    await until(() => owner.count("peer_request") === 1 && idle.kinds.includes("hello"));
    const stopped = owner.listener.stop();
    await until(() => idle.closed);
    expect(busy.closed).toBe(false);
    answer.resolve();
    await stopped;
    await until(() => busy.closed);
    expect(busy.kinds.at(-1)).toBe("end");
    expect(owner.listener.connections).toBe(0);
  });

  test("that stops ends requests that do not finish in time", async () => {
    const owner = startOwner(() => new Promise(() => undefined), {
      deadlines: { drainFinishMs: 20 },
    });
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(ASK);
    await until(() => owner.count("peer_request") === 1);
    await owner.listener.stop();
    await until(() => peer.closed);
  });

  test("refuses to bind to more than loopback without authentication, unless told to", async () => {
    expect(() => startOwner(serve, { host: "0.0.0.0" })).toThrow("insecure = true");
    await using owner = startOwner(serve, { host: "0.0.0.0", insecure: true });
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(PING_FRAME);
    await until(() => peer.kinds.includes("pong"));
  });

  test("shares its port with another one when told to", async () => {
    await using first = startOwner(serve, { reusePort: true });
    await using second = startOwner(serve, { reusePort: true, port: first.port });
    expect(second.port).toBe(first.port);
    expect(() => startOwner(serve, { port: first.port })).toThrow();
  });

  test("looks at no more than one request at a time, however many a peer sends", async () => {
    const answer = Promise.withResolvers<void>();
    let asked = 0;
    await using owner = startOwner(async () => {
      asked++;
      await answer.promise;
      return answerOf(CONTENT);
    });
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(Buffer.concat(Array.from({ length: 2000 }, () => encodeRequest(RELNAME))));
    await until(() => asked > 0);
    expect(asked).toBe(1);
    answer.resolve();
    await until(() => peer.kinds.filter((kind) => kind === "save").length === 2000);
  });

  test("takes no more than the kernel holds from a peer that keeps sending while it works", async () => {
    await using owner = startOwner(() => new Promise(() => undefined), {
      deadlines: { drainFinishMs: 0 },
    });
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(encodeRequest(RELNAME));
    await until(() => owner.count("peer_request") === 1);
    const flood = Buffer.alloc(64 * 1024 * 1024, encodeRequest(RELNAME));
    peer.send(flood);
    let [unsent, still] = [peer.unsent, 0];
    await until(() => {
      still = peer.unsent === unsent ? still + 1 : 0;
      unsent = peer.unsent;
      return still > 300;
    });
    expect(unsent).toBeGreaterThan(flood.length / 2);
  });
});
