/** Peers that die, lie, stall or are not there: the asker gets a Fault, never a wrong or a short body. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { COMMANDS } from "../../../src/wire/commands.ts";
import {
  answerHeader,
  encodeEnd,
  encodeError,
  encodeSaveHead,
  HEARTBEAT_FRAME,
  PING_FRAME,
} from "../../../src/wire/encode.ts";
import { makeDigest } from "../../../src/wire/xxhash.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import {
  answerOf,
  noise,
  type RawSide,
  startAsker,
  startFakePeer,
  startOwner,
  variantOf,
} from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(200_000);
const xxh64 = digestOf(CONTENT);

function digestOf(bytes: Uint8Array): string {
  const digest = makeDigest();
  digest.update(bytes);
  return digest.hex();
}

function headOf(change: object = {}, bodyBytes = CONTENT.length): Uint8Array {
  const meta = variantOf(CONTENT.length);
  const header = answerHeader({ meta, via: "", detail: "", offset: 0, head: false });
  return encodeSaveHead({ ...header, ...change }, bodyBytes);
}

/** A peer that answers every request so. */
function peerSaying(say: (side: RawSide, connection: number) => void) {
  return startFakePeer((piece, side, connection) => {
    if (piece.kind === "ask") say(side, connection);
  });
}

/** How many bytes a reader gets, and the code it ends with; "end" for a body that ended well. */
async function readUntilFault(port: number): Promise<{ bytes: number; code: string }> {
  using asker = startAsker(port, { deadlines: { bodyStallMs: 60 } });
  const { body } = await asker.ask();
  let bytes = 0;
  try {
    for (let part = await body.read(); part; part = await body.read()) bytes += part.length;
    return { bytes, code: "end" };
  } catch (error) {
    return { bytes, code: await codeOf(Promise.reject(error)) };
  }
}

describe("a body", () => {
  const safe = CONTENT.length - LIMITS.verifyTailBytes;

  test("that is whole and has its end frame ends well", async () => {
    using peer = peerSaying((side) => {
      side.send(Buffer.concat([headOf(), CONTENT, encodeEnd({ bytes: CONTENT.length, xxh64 })]));
    });
    expect(await readUntilFault(peer.port)).toEqual({ bytes: CONTENT.length, code: "end" });
  });

  test("with one damaged byte fails before its last 64 KiB are handed out", async () => {
    for (const at of [0, 77_777, CONTENT.length - 1]) {
      const damaged = Buffer.from(CONTENT);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      using peer = peerSaying((side) => {
        side.send(Buffer.concat([headOf(), damaged, encodeEnd({ bytes: CONTENT.length, xxh64 })]));
      });
      expect(await readUntilFault(peer.port)).toEqual({ bytes: safe, code: "bad_frame" });
    }
  });

  test("with a wrong digest or length in its end frame fails likewise", async () => {
    const ends = [
      { bytes: CONTENT.length, xxh64: "0123456789abcdef" },
      { bytes: CONTENT.length - 1, xxh64 },
      { bytes: CONTENT.length + 1, xxh64 },
    ];
    for (const end of ends) {
      using peer = peerSaying((side) => {
        side.send(Buffer.concat([headOf(), CONTENT, encodeEnd(end)]));
      });
      expect(await readUntilFault(peer.port)).toEqual({ bytes: safe, code: "bad_frame" });
    }
  });

  test("without its end frame fails: closed, reset, another message, silence", async () => {
    const whole = Buffer.concat([headOf(), CONTENT]);
    const endings: [(side: RawSide) => void, string][] = [
      [(side) => side.end(), "peer_failed"],
      [(side) => side.send(headOf()), "bad_frame"],
      [(side) => side.send(encodeError({ code: "internal" })), "bad_frame"],
      [() => undefined, "too_slow"],
    ];
    for (const [finish, code] of endings) {
      using peer = peerSaying((side) => {
        side.send(whole);
        finish(side);
      });
      expect(await readUntilFault(peer.port)).toEqual({ bytes: safe, code });
    }
  });

  test("that is cut inside its frame fails wherever it is cut, cleanly closed or not", async () => {
    for (const cut of [0, 1, 65_536, 150_000, CONTENT.length - 1]) {
      using peer = peerSaying((side) => {
        side.send(Buffer.concat([headOf(), CONTENT.subarray(0, cut)]));
        side.end();
      });
      const { bytes, code } = await readUntilFault(peer.port);
      expect(code).toBe("peer_failed");
      expect(bytes).toBeLessThanOrEqual(Math.max(0, Math.min(cut, safe)));
    }
  });

  test("that brings no byte any more fails after the stall time, and only while somebody reads", async () => {
    using peer = peerSaying((side) =>
      side.send(Buffer.concat([headOf(), CONTENT.subarray(0, 10)])),
    );
    using asker = startAsker(peer.port, { deadlines: { bodyStallMs: 50 } });
    const { body } = await asker.ask();
    const first = await body.read();
    expect(first).toHaveLength(10);
    expect(await codeOf(body.read())).toBe("too_slow");
    expect(await codeOf(body.read())).toBe("too_slow");
    expect(asker.count("peer_error")).toBe(1);
  });

  test("whose owner is killed fails with what came before it, and never ends", async () => {
    const script = new URL("../../support/owner-process.ts", import.meta.url).pathname;
    const owner = Bun.spawn([process.execPath, script], { stdout: "pipe" });
    try {
      const line = await owner.stdout.getReader().read();
      using asker = startAsker(Number(new TextDecoder().decode(line.value)));
      const { body } = await asker.ask();
      expect((await body.read())?.length).toBeGreaterThan(0);
      owner.kill("SIGKILL");
      const fault = await faultOf(readAll(body));
      expect(fault.code).toBe("peer_failed");
      expect(asker.links.state("owner").connections).toBe(0);
    } finally {
      owner.kill("SIGKILL");
      await owner.exited;
    }
  });

  test("is read by one reader at a time", async () => {
    using peer = peerSaying((side) => side.send(headOf()));
    using asker = startAsker(peer.port);
    const { body } = await asker.ask();
    const first = body.read();
    expect(await codeOf(body.read())).toBe("internal");
    body.cancel();
    expect(await codeOf(first)).toBe("peer_failed");
  });
});

describe("an answer is refused with bad_frame when it", () => {
  const head = answerHeader({ meta: variantOf(3), via: "", detail: "", offset: 0, head: false });
  const wrong: Record<string, Uint8Array> = {
    "claims a terabyte": Uint8Array.of(
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      COMMANDS.save.byte.charCodeAt(0),
    ),
    "is an unknown command": Uint8Array.of(0, 0, 0, 0, 1, 0x5a),
    "is about another id": headOf({ relname: "ot/he/r1/md/other123.jpg" }),
    "has less content than it announces": headOf({}, 10),
    "has more content than it announces": headOf({ bytes: 10 }),
    "starts at another offset": encodeSaveHead({ ...head, bytes: 7, offset: 4 }, 3),
    "has no validator": encodeSaveHead({ relname: head.relname, bytes: 3 }, 3),
    "is an end without a beginning": encodeEnd({ bytes: 0, xxh64 }),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    test(name, async () => {
      using peer = peerSaying((side) => side.send(bytes));
      using asker = startAsker(peer.port);
      expect(await codeOf(asker.ask())).toBe("bad_frame");
      expect(asker.links.state("owner").connections).toBe(0);
      expect(asker.count("peer_error")).toBe(1);
    });
  }
});

describe("a peer", () => {
  test("that is not there is peer_failed", async () => {
    const gone = startFakePeer(() => undefined);
    gone[Symbol.dispose]();
    using asker = startAsker(gone.port);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(asker.count("peer_error")).toBe(1);
    expect(asker.links.state("owner").connections).toBe(0);
  });

  test("without an address is peer_failed", async () => {
    using asker = startAsker([]);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
  });

  test("is asked at its next address when one does not answer", async () => {
    const gone = startFakePeer(() => undefined);
    gone[Symbol.dispose]();
    await using owner = startOwner(async () => answerOf(CONTENT));
    using asker = startAsker([gone.port, owner.port]);
    expect(await readAll((await asker.ask()).body)).toHaveLength(CONTENT.length);
  });

  test("that accepts and says no hello is given up, as is one of another name", async () => {
    using mute = startFakePeer(() => undefined, "none");
    using asker = startAsker(mute.port, { deadlines: { helloMs: 30 } });
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    await using other = startOwner(async () => answerOf(CONTENT), { self: "somebody" });
    using stranger = startAsker(other.port);
    expect((await faultOf(stranger.ask())).message).toContain("somebody");
  });

  test("that breaks off before its answer is peer_failed", async () => {
    using peer = peerSaying((side) => side.reset());
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(peer.accepted).toBe(1);
  });

  test("that has not begun at the deadline is too_slow, however alive it is", async () => {
    using peer = peerSaying((side) => side.send(Buffer.concat([HEARTBEAT_FRAME, HEARTBEAT_FRAME])));
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask({ deadlineMs: 40 }))).toBe("too_slow");
    expect(asker.links.state("owner").connections).toBe(0);
  });

  test("that falls silent with a request open is peer_failed before the deadline", async () => {
    using peer = peerSaying((side) => side.send(HEARTBEAT_FRAME));
    using asker = startAsker(peer.port, { deadlines: { linkSilenceMs: 40 } });
    expect(await codeOf(asker.ask({ deadlineMs: 60_000 }))).toBe("peer_failed");
  });

  test("that works longer than the silence allowed is waited for while its heartbeats come", async () => {
    const done = Promise.withResolvers<void>();
    await using owner = startOwner(
      async () => {
        await done.promise;
        return answerOf(CONTENT);
      },
      { deadlines: { heartbeatMs: 10 } },
    );
    let beats = 0;
    using relay = startFakePeer((piece, side) => {
      if (piece.kind !== "ask") return;
      const beat = setInterval(() => {
        beats++;
        side.send(HEARTBEAT_FRAME);
        if (beats < 20) return;
        clearInterval(beat);
        side.send(encodeError({ code: "not_found" }));
      }, 10);
    });
    using patient = startAsker(relay.port, { deadlines: { linkSilenceMs: 100 } });
    expect(await codeOf(patient.ask())).toBe("not_found");
    using asker = startAsker(owner.port, { deadlines: { linkSilenceMs: 1000 } });
    const asked = asker.ask();
    done.resolve();
    expect(await readAll((await asked).body)).toHaveLength(CONTENT.length);
  });

  test("may ping between answers", async () => {
    let pongs = 0;
    using peer = startFakePeer((piece, side) => {
      if (piece.kind === "pong") pongs++;
      if (piece.kind === "ask") side.send(Buffer.concat([encodeError({ code: "x" }), PING_FRAME]));
    });
    using asker = startAsker(peer.port);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    await until(() => pongs === 1);
    expect(asker.links.state("owner").connections).toBe(1);
  });

  test("that refuses with a code unknown here is peer_failed", async () => {
    using peer = peerSaying((side) => side.send(encodeError({ code: "from_the_future" })));
    using asker = startAsker(peer.port);
    const fault = await faultOf(asker.ask());
    expect(fault.code).toBe("peer_failed");
    expect(fault.message).toContain("from_the_future");
  });
});
