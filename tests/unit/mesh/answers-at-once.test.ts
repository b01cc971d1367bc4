/** A handler that has its answer at hand gives it at once, without a promise: it must not differ in anything else. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import type { AnswerSource } from "../../../src/mesh/peer.ts";
import { encodeAsk } from "../../../src/wire/encode.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import {
  answerOf,
  bodyOf,
  dialRaw,
  EPOCH,
  noise,
  RELNAME,
  startAsker,
  startOwner,
} from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(3_000_000);
const ASK = encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 5000 });

describe("an answer that is at hand", () => {
  test("arrives byte for byte, out of every kind of source, small and large", async () => {
    using dir = makeTempDir();
    const sources = (bytes: number): readonly AnswerSource[] => {
      const content = CONTENT.subarray(0, bytes);
      return [
        { kind: "bytes", bytes: content },
        { kind: "file", path: dir.write(`of-${bytes}`, content) },
        { kind: "body", body: bodyOf([content.subarray(0, 9), content.subarray(9)]) },
      ];
    };
    const sends: AnswerSource[] = [];
    await using owner = startOwner(() => {
      const send = sends.shift();
      if (send === undefined) throw new Fault("not_found", "no more");
      const bytes = send.kind === "bytes" ? send.bytes.length : asked;
      return { ...answerOf(CONTENT.subarray(0, bytes)), send };
    });
    using asker = startAsker(owner.port);
    let asked = 0;
    for (asked of [10, 100_000, CONTENT.length]) {
      for (const send of sources(asked)) {
        sends.push(send);
        const received = await readAll((await asker.ask()).body);
        expect(Buffer.compare(received, CONTENT.subarray(0, asked))).toBe(0);
      }
    }
    expect(await codeOf(asker.ask())).toBe("not_found");
    expect([owner.listener.connections, asker.count("peer_error")]).toEqual([1, 0]);
  });

  test("is refused with the Fault that its handler throws, and the connection serves on", async () => {
    const faults = [new Fault("draining", "bye"), new Error("a bug")];
    await using owner = startOwner(() => {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      return answerOf(CONTENT.subarray(0, 7));
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.ask())).toBe("draining");
    expect(await codeOf(asker.ask())).toBe("internal");
    expect(await readAll((await asker.ask()).body)).toHaveLength(7);
    expect(owner.listener.connections).toBe(1);
  });

  test("whose file is not what it should be is refused before a byte, and told of", async () => {
    using dir = makeTempDir();
    let spoiled = 0;
    const path = dir.write("short", CONTENT.subarray(0, 99));
    const answer = () => ({
      ...answerOf(CONTENT.subarray(0, 100)),
      send: { kind: "file", path } as const,
      spoiled: () => void spoiled++,
    });
    await using owner = startOwner(answer);
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect([spoiled, owner.listener.connections]).toEqual([1, 1]);
  });

  test("comes in order to one that asks twice without waiting, also where the first is large", async () => {
    await using owner = startOwner(() => answerOf(CONTENT));
    using peer = await dialRaw(owner.port, { hello: true });
    peer.send(Buffer.concat([ASK, ASK]));
    await until(() => peer.kinds.filter((kind) => kind === "end").length === 2);
    const told = peer.kinds.filter((kind) => kind !== "body");
    expect(told).toEqual(["hello", "save", "bodyEnd", "end", "save", "bodyEnd", "end"]);
  });

  test("breaks off with its connection when the asker leaves in the middle; others are served", async () => {
    await using owner = startOwner(() => answerOf(CONTENT));
    {
      using peer = await dialRaw(owner.port, { hello: true });
      peer.send(Buffer.concat(Array.from({ length: 20 }, () => ASK)));
      await until(() => peer.kinds.includes("body"));
    }
    await until(() => owner.listener.connections === 0);
    using asker = startAsker(owner.port);
    expect(await readAll((await asker.ask()).body)).toHaveLength(CONTENT.length);
  });
});
