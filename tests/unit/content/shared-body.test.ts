/** A body that is read once and handed to several readers. */

import { describe, expect, test } from "bun:test";
import type { Body } from "../../../src/base/body.ts";
import { Fault } from "../../../src/base/fault.ts";
import { makeSharedRoom, SharedBody } from "../../../src/content/shared-body.ts";

const CHUNK = 10;

/** Chunks of one buffer that is written anew for each, as real sources do. */
function counted(chunks: number, endsWith?: Fault) {
  const buffer = new Uint8Array(CHUNK);
  const seen = { reads: 0, cancelled: false };
  const body: Body = {
    async read() {
      if (seen.cancelled) throw new Fault("peer_failed", "given back");
      if (seen.reads === chunks) {
        if (endsWith !== undefined) throw endsWith;
        return undefined;
      }
      return buffer.fill(seen.reads++);
    },
    cancel() {
      seen.cancelled = true;
    },
  };
  return { body, seen };
}

function bytesOf(chunks: number): Uint8Array {
  return Uint8Array.from({ length: chunks * CHUNK }, (_, i) => Math.floor(i / CHUNK));
}

function shared(
  chunks: number,
  more: { windowBytes?: number; roomBytes?: number; endsWith?: Fault } = {},
) {
  const { windowBytes = 1000, roomBytes = 1000, endsWith } = more;
  const source = counted(chunks, endsWith);
  const room = makeSharedRoom(roomBytes);
  const offsets: number[] = [];
  let closed = 0;
  const body = new SharedBody({
    source: source.body,
    room,
    windowBytes,
    async goOn(offset) {
      offsets.push(offset);
      const rest = [bytesOf(chunks).slice(offset)];
      return { read: async () => rest.pop(), cancel() {} };
    },
    onClosed: () => closed++,
  });
  return { body, room, roomBytes, source: source.seen, offsets, closed: () => closed };
}

function reader(of: SharedBody): Body {
  const body = of.attach();
  if (body === undefined) throw new Error("nobody is let in any more");
  return body;
}

async function rest(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}

describe("a shared body", () => {
  test("brings a hundred readers every byte, and its source is read once", async () => {
    const { body, source } = shared(20);
    const readers = Array.from({ length: 100 }, () => reader(body));
    for (const bytes of await Promise.all(readers.map(rest))) {
      expect(Buffer.from(bytes)).toEqual(Buffer.from(bytesOf(20)));
    }
    expect(source.reads).toBe(20);
  });

  test("is read no further than the quickest reader is", async () => {
    const { body, source } = shared(20);
    const quick = reader(body);
    reader(body);
    await quick.read();
    expect(source.reads).toBe(1);
  });

  test("lets in who comes while its first byte is held, and nobody after its end", async () => {
    const { body, closed } = shared(3);
    const first = reader(body);
    await first.read();
    const second = reader(body);
    expect(Buffer.from(await rest(second))).toEqual(Buffer.from(bytesOf(3)));
    expect([body.attach(), closed()]).toEqual([undefined, 1]);
    expect((await rest(first)).length).toBe(2 * CHUNK);
  });

  test("holds no more than its window: a reader further behind goes on by itself at its byte", async () => {
    const { body, offsets } = shared(20, { windowBytes: 4 * CHUNK });
    const quick = reader(body);
    const slow = reader(body);
    const begun = [...((await slow.read()) ?? [])];
    await rest(quick);
    expect([...begun, ...(await rest(slow))]).toEqual([...bytesOf(20)]);
    expect(offsets).toEqual([CHUNK]);
  });

  test("holds one chunk where there is no room, and gives everything back", async () => {
    const { body, room, roomBytes } = shared(5, { roomBytes: 2 * CHUNK });
    const quick = reader(body);
    const slow = reader(body);
    expect((await rest(quick)).length).toBe(5 * CHUNK);
    expect((await rest(slow)).length).toBe(5 * CHUNK);
    expect([room.take(roomBytes), room.take(1)]).toEqual([true, false]);
  });

  test("goes on for the others when one leaves, also while it waits", async () => {
    const { body, source, room, roomBytes } = shared(10, { windowBytes: 3 * CHUNK });
    const leaver = reader(body);
    const stayer = reader(body);
    const waiting = leaver.read();
    leaver.cancel();
    expect(await waiting.catch((error: Fault) => error.code)).toBe("peer_failed");
    expect(Buffer.from(await rest(stayer))).toEqual(Buffer.from(bytesOf(10)));
    expect(source.cancelled).toBe(false);
    expect([room.take(roomBytes), room.take(1)]).toEqual([true, false]);
  });

  test("is given back when the last one leaves", async () => {
    const { body, source, closed } = shared(10);
    const [one, other] = [reader(body), reader(body)];
    await one.read();
    one.cancel();
    expect(source.cancelled).toBe(false);
    other.cancel();
    other.cancel();
    expect([source.cancelled, closed()]).toEqual([true, 1]);
  });

  test("breaks off for everybody, after what had come", async () => {
    const { body } = shared(2, { endsWith: new Fault("peer_failed", "cut") });
    const readers = [reader(body), reader(body)];
    for (const one of readers) {
      await one.read();
      await one.read();
      expect(await one.read().catch((error: Fault) => error.code)).toBe("peer_failed");
    }
    expect(body.attach()).toBeUndefined();
  });
});
