/** Content that a node tells another one to keep: every byte of it, or a refusal. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Fault } from "../../../src/base/fault.ts";
import type { SaveMessage, Tell } from "../../../src/mesh/tell.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startOwner, variantOf } from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const CONTENT = noise(20_000_000);
const ask = async () => answerOf(CONTENT.subarray(0, 10));

function saveOf(path: string, bytes: number): Tell {
  return { kind: "save", meta: variantOf(bytes), path };
}

/** An owner that saves so. */
function startSaver(save: (message: SaveMessage) => Promise<{ note: string }>, change = {}) {
  return startOwner({ ask, save }, change);
}

describe("content told to a peer", () => {
  const SIZES = [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, MiB - 1, MiB + 1, CONTENT.length];

  for (const kind of ["save", "rebalance"] as const) {
    test(`by ${kind} arrives byte for byte with everything that travels with it`, async () => {
      using dir = makeTempDir();
      let received = new Uint8Array(0);
      let seen: SaveMessage | undefined;
      await using owner = startSaver(async (message) => {
        seen = message;
        received = new Uint8Array(await readAll(message.body));
        return { note: "kept" };
      });
      using asker = startAsker(owner.port);
      const upload = { webId: "my-cat", sha256: "ab".repeat(32) };
      for (const bytes of SIZES) {
        const path = dir.write("content", CONTENT.subarray(0, bytes));
        const told = asker.tell({ kind, meta: variantOf(bytes), path, upload });
        expect(await told).toEqual({ ok: true, note: "kept" });
        expect(Buffer.compare(received, CONTENT.subarray(0, bytes))).toBe(0);
        const { meta, peer, legacy } = { ...seen };
        expect({ kind: seen?.kind, bytes: seen?.bytes, upload: seen?.upload }).toEqual({
          kind,
          bytes,
          upload,
        });
        expect({ meta, peer, legacy }).toEqual({
          meta: variantOf(bytes),
          peer: "asker",
          legacy: false,
        });
      }
      expect(owner.listener.connections).toBe(1);
    });
  }

  test("does not run ahead of a slow reader", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT);
    const go = Promise.withResolvers<void>();
    await using owner = startSaver(async ({ body }) => {
      await body.read();
      await go.promise;
      return { note: String((await readAll(body)).length) };
    });
    using asker = startAsker(owner.port);
    const told = asker.tell(saveOf(path, CONTENT.length));
    let rssMost = process.memoryUsage.rss();
    const before = rssMost;
    for (let turn = 0; turn < 200; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      rssMost = Math.max(rssMost, process.memoryUsage.rss());
    }
    expect(rssMost - before).toBeLessThan(16 * MiB);
    go.resolve();
    expect(Number((await told).note)).toBeGreaterThan(CONTENT.length - 600 * KiB);
  });

  test("that is refused before it has been read is not sent to its end", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT);
    await using owner = startSaver(async () => {
      throw new Fault("disk_full", "no room");
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.tell(saveOf(path, CONTENT.length)))).toBe("disk_full");
    await until(() => owner.listener.connections === 0);
    expect(owner.count("peer_refused")).toBe(0);
    expect(asker.count("peer_error")).toBe(0);
    // a small one has been sent by then: its connection serves on
    const small = dir.write("small", CONTENT.subarray(0, 100));
    for (let i = 0; i < 3; i++) {
      expect(await codeOf(asker.tell(saveOf(small, 100)))).toBe("disk_full");
    }
    expect(owner.listener.connections).toBe(1);
  });

  test("that is there already may be acknowledged unread or cancelled", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT.subarray(0, 300 * KiB));
    let cancels = false;
    await using owner = startSaver(async ({ body }) => {
      if (cancels) body.cancel();
      cancels = !cancels;
      return { note: "there already" };
    });
    using asker = startAsker(owner.port);
    for (let i = 0; i < 6; i++) {
      const told = await asker.tell(saveOf(path, 300 * KiB));
      expect(told.note).toBe("there already");
    }
    expect(owner.count("peer_refused")).toBe(0);
  });

  test("from a file that is gone or of another length is not_found, and hurts no connection", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT.subarray(0, 100));
    await using owner = startSaver(async ({ body }) => {
      await readAll(body);
      return { note: "kept" };
    });
    using asker = startAsker(owner.port);
    await asker.tell(saveOf(path, 100));
    expect(await codeOf(asker.tell(saveOf(path, 101)))).toBe("not_found");
    expect(await codeOf(asker.tell(saveOf(`${path}.gone`, 100)))).toBe("not_found");
    await asker.tell(saveOf(path, 100));
    expect(owner.listener.connections).toBe(1);
    expect(asker.count("peer_error")).toBe(0);
  });

  test("from a file that shrinks on the way never ends well", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT);
    let outcome: unknown;
    await using owner = startSaver(async ({ body }) => {
      await body.read();
      writeFileSync(path, "");
      outcome = await codeOf(readAll(body));
      return { note: "kept" };
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.tell(saveOf(path, CONTENT.length)))).toBe("not_found");
    await until(() => outcome !== undefined);
    expect(outcome).toBe("peer_failed");
    expect(asker.count("peer_error")).toBe(0);
  });

  test("does not stand in front of a question: that has a connection of its own", async () => {
    using dir = makeTempDir();
    const path = dir.write("content", CONTENT);
    const go = Promise.withResolvers<void>();
    await using owner = startSaver(async ({ body }) => {
      await go.promise;
      return { note: String((await readAll(body)).length) };
    });
    using asker = startAsker(owner.port);
    const told = asker.tell(saveOf(path, CONTENT.length));
    await until(() => asker.links.state("owner").connections === 1);
    for (let i = 0; i < 5; i++) expect(await readAll((await asker.ask()).body)).toHaveLength(10);
    expect(asker.links.state("owner").connections).toBe(2);
    go.resolve();
    expect((await told).note).toBe(String(CONTENT.length));
  });
});
