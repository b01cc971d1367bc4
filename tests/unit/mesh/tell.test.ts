/** A node tells another one something: content, warms, hits, purges; each is acknowledged or refused. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { PeerHandlers, Tell } from "../../../src/mesh/tell.ts";
import { encodeAck } from "../../../src/wire/encode.ts";
import { codeOf, faultOf } from "../../support/bodies.ts";
import {
  answerOf,
  noise,
  RELNAME,
  startAsker,
  startFakePeer,
  startOwner,
} from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const ask = async () => answerOf(noise(10));
const WARM: Tell = { kind: "warm", relname: RELNAME };

/** Handlers that note what they were told. */
function makeNoted() {
  const heard: unknown[] = [];
  const note = async ({ signal: _, ...message }: { signal: AbortSignal }) => {
    heard.push(message);
    return { note: `heard ${heard.length}`, detail: { count: heard.length } };
  };
  const handlers: PeerHandlers = { ask, warm: note, record: note, purge: note };
  return { heard, handlers };
}

describe("a message without content", () => {
  const from = { peer: "asker", legacy: false };
  const entries = [{ id: "viral123", purgedAt: 1_700_000_000, action: "block" }] as const;
  const hits = [
    { relname: RELNAME, count: 7 },
    { relname: RELNAME.replace("/md/", "/xs/"), count: 1 },
  ];
  const messages: [Tell, object][] = [
    [WARM, { relname: RELNAME, owner: undefined }],
    [
      { ...WARM, owner: 'edge "1"' },
      { relname: RELNAME, owner: 'edge "1"' },
    ],
    [{ kind: "record", hits: hits.slice(0, 1) }, { hits: hits.slice(0, 1) }],
    [{ kind: "record", hits }, { hits }],
    [
      { kind: "purge", entries, hops: 2 },
      { entries, hops: 2 },
    ],
  ];

  test("arrives as it was told, and what its handler answers comes back", async () => {
    const { heard, handlers } = makeNoted();
    await using owner = startOwner(handlers);
    using asker = startAsker(owner.port);
    for (const [i, [message, expected]] of messages.entries()) {
      const count = i + 1;
      const told = { ok: true, note: `heard ${count}`, detail: { count } } as const;
      expect(await asker.tell(message)).toEqual(told);
      expect(heard.at(-1)).toEqual({ ...from, ...expected });
    }
    expect(owner.listener.connections).toBe(1);
    expect(owner.count("peer_told")).toBe(messages.length);
  });

  test("of as many records or purges as there may be fits, one more is not sent", async () => {
    const { handlers } = makeNoted();
    await using owner = startOwner(handlers);
    using asker = startAsker(owner.port);
    const id = "a".repeat(LIMITS.contentIdCharsMax);
    const hit = { relname: `aa/aa/aa/${"m".repeat(16)}/${id}.webp`, count: 1e9 };
    const entry = { id, purgedAt: Number.MAX_SAFE_INTEGER, action: "unblock" } as const;
    const tellOf = (kind: "record" | "purge", more: number) =>
      kind === "record"
        ? asker.tell({ kind, hits: Array(LIMITS.wireRecordsMax + more).fill(hit) })
        : asker.tell({ kind, entries: Array(LIMITS.wirePurgesMax + more).fill(entry), hops: 1 });
    for (const kind of ["record", "purge"] as const) {
      expect((await tellOf(kind, 0)).ok).toBe(true);
      expect(await codeOf(tellOf(kind, 1))).toBe("internal");
    }
    expect(owner.count("peer_refused")).toBe(0);
    expect(owner.listener.connections).toBe(1);
  });

  test("that is refused rejects with the handler's Fault, and the connection serves on", async () => {
    const faults = [
      new Fault("not_found", "there is none"),
      new Fault("disk_full", "no\nroom", { retryAfterMs: 1234.5 }),
      new Error("a bug"),
    ];
    await using owner = startOwner({
      ask,
      warm: async () => {
        throw faults.shift() ?? new Fault("draining", "bye");
      },
    });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.tell(WARM))).toBe("not_found");
    const full = await faultOf(asker.tell(WARM));
    expect(full).toMatchObject({ code: "disk_full", retryAfterMs: 1235 });
    expect(full.message).toContain("no?room");
    expect(await codeOf(asker.tell(WARM))).toBe("internal");
    expect(await codeOf(asker.tell(WARM))).toBe("draining");
    expect(owner.listener.connections).toBe(1);
    expect(owner.lines.join("")).toContain("a bug");
  });

  test("that nobody takes there is peer_failed, and says so", async () => {
    await using owner = startOwner({ ask });
    using asker = startAsker(owner.port);
    for (const message of messages) {
      const fault = await faultOf(asker.tell(message[0]));
      expect(fault.code).toBe("peer_failed");
      expect(fault.message).toContain("unsupported");
    }
    expect(owner.count("peer_dropped")).toBe(messages.length);
    expect(owner.listener.connections).toBe(1);
  });

  test("whose answer would not fit into a header is acknowledged as a failure", async () => {
    const detail = { text: "x".repeat(LIMITS.wireJsonBytesMax) };
    await using owner = startOwner({ ask, warm: async () => ({ note: "", detail }) });
    using asker = startAsker(owner.port);
    expect(await codeOf(asker.tell(WARM))).toBe("internal");
  });

  test("is waited for while heartbeats come, up to its deadline", async () => {
    const done = Promise.withResolvers<{ note: string }>();
    let aborted = false;
    await using owner = startOwner(
      {
        ask,
        warm: ({ signal }) => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
          return done.promise;
        },
      },
      { deadlines: { heartbeatMs: 10, drainFinishMs: 0 } },
    );
    using asker = startAsker(owner.port, { deadlines: { linkSilenceMs: 400 } });
    expect(await codeOf(asker.tell(WARM, 700))).toBe("too_slow");
    await until(() => aborted);
    const told = asker.tell(WARM);
    done.resolve({ note: "late" });
    expect(await told).toEqual({ ok: true, note: "late" });
  });

  test("to a peer that falls silent is peer_failed before the deadline", async () => {
    using mute = startFakePeer(() => undefined);
    using asker = startAsker(mute.port, { deadlines: { linkSilenceMs: 30 } });
    expect(await codeOf(asker.tell(WARM, 60_000))).toBe("peer_failed");
    expect(asker.count("peer_error")).toBe(1);
  });

  test("with an acknowledgement of something else is bad_frame", async () => {
    using liar = startFakePeer((_, side) => side.send(encodeAck({ of: "x", ok: true })));
    using asker = startAsker(liar.port);
    expect(await codeOf(asker.tell(WARM))).toBe("bad_frame");
  });

  test("on a connection that had become stale is told once more on a new one", async () => {
    let told = 0;
    using peer = startFakePeer((piece, side) => {
      if (piece.kind !== "warm") return;
      told++;
      if (told === 2) side.reset();
      else side.send(encodeAck({ of: "-", ok: true }));
    });
    using asker = startAsker(peer.port);
    await asker.tell(WARM);
    expect(await asker.tell(WARM)).toEqual({ ok: true, note: "" });
    expect([told, peer.accepted]).toEqual([3, 2]);
    expect(asker.count("peer_error")).toBe(0);
  });
});
