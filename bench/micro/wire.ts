/** What the control protocol costs without a socket: frames out of messages, messages out of frames, and the waits around them. */

import { bench, do_not_optimize, group, run, summary } from "mitata";
import { CallOff } from "../../src/base/call-off.ts";
import { Fault } from "../../src/base/fault.ts";
import { waitAbout } from "../../src/base/wait-about.ts";
import { Decoder } from "../../src/wire/decode.ts";
import {
  encodeAck,
  encodeAsk,
  encodeEnd,
  encodeError,
  encodeHello,
  encodeProof,
  encodePurge,
  encodeRebalanceHead,
  encodeRecord,
  encodeRequest,
  encodeSaveHead,
  encodeWarm,
  HEARTBEAT_FRAME,
  PING_FRAME,
  PONG_FRAME,
} from "../../src/wire/encode.ts";
import type { Ask, End, SaveHeader } from "../../src/wire/messages.ts";
import { digestOf, makeDigest } from "../../src/wire/xxhash.ts";

const KiB = 1024;
const RELNAME = "vi/ra/l1/md/viral123.jpg";
const HEX16 = "00112233445566ff";
const HEX64 = HEX16.repeat(4);

const ASK: Ask = {
  relname: RELNAME,
  role: "owner",
  epoch: HEX16,
  hops: 1,
  deadlineMs: 28_500,
  trace: "4f1c2a90",
};
const END: End = { bytes: 12_288, xxh64: HEX16 };

function saveHeader(bytes: number): SaveHeader {
  return {
    relname: RELNAME,
    bytes,
    validator: HEX16,
    modified: 1_700_000_000,
    facts: { width: 4000, height: 3000, alpha: false, animated: false },
    lossySteps: 1,
    sourceAt: 1_700_000_000,
    via: "mir-edge-2; hit",
    detail: "hit",
  };
}

/** A frame of every kind, as it passes between two nodes. */
const FRAMES: Readonly<Record<string, Uint8Array>> = {
  "# heartbeat": HEARTBEAT_FRAME,
  "^ ping": PING_FRAME,
  "* pong": PONG_FRAME,
  "+ request": encodeRequest(RELNAME),
  "? ask": encodeAsk(ASK),
  "= save, head": encodeSaveHead(saveHeader(0), 0),
  "& rebalance, head": encodeRebalanceHead(saveHeader(0), 0),
  ". end": encodeEnd(END),
  "~ error": encodeError({ code: "overloaded", retryAfterMs: 1000 }),
  "@ record": encodeRecord({ hits: [{ relname: RELNAME, count: 7 }] }),
  "- warm": encodeWarm({ relname: RELNAME }),
  "% ack": encodeAck({ of: "-", ok: true, note: "stored" }),
  "! hello": encodeHello({ name: "edge-1", epoch: HEX16, version: 1, nonce: HEX64, keys: [HEX16] }),
  "! proof": encodeProof({ proof: HEX64 }),
  "x purge": encodePurge({
    entries: [{ id: "viral123", purgedAt: 1_700_000_000, action: "purge" }],
    hops: 1,
  }),
};

/** `?` on its way to the owner, then `=`, content and `.` as they come back. */
function answer(bodyBytes: number): Uint8Array {
  const body = new Uint8Array(bodyBytes);
  const bytes = Buffer.concat([
    encodeSaveHead(saveHeader(bodyBytes), bodyBytes),
    body,
    encodeEnd({ bytes: bodyBytes, xxh64: digestOf(body) }),
  ]);
  return new Uint8Array(bytes);
}

function decodeAll(decoder: Decoder, bytes: Uint8Array): number {
  decoder.feed(bytes);
  let pieces = 0;
  for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) pieces++;
  return pieces;
}

group("one frame is read", () => {
  for (const [name, frame] of Object.entries(FRAMES)) {
    const decoder = new Decoder();
    bench(`${name} (${frame.length} B)`, () => do_not_optimize(decodeAll(decoder, frame)));
  }
});

group("one frame is written", () => {
  const header = saveHeader(0);
  bench("? ask", () => do_not_optimize(encodeAsk(ASK)));
  bench("= save, head", () => do_not_optimize(encodeSaveHead(header, 0)));
  bench(". end", () => do_not_optimize(encodeEnd(END)));
});

group("a whole answer is read, its content not looked at", () => {
  for (const kib of [12, 100, 2048]) {
    const decoder = new Decoder();
    const bytes = answer(kib * KiB);
    bench(`${kib} KiB`, () => do_not_optimize(decodeAll(decoder, bytes)));
  }
});

for (const kib of [12, 100, 2048]) {
  const body = new Uint8Array(kib * KiB).fill(7);
  summary(() => {
    bench(`digest of ${kib} KiB at once`, () => do_not_optimize(digestOf(body)));
    bench(`digest of ${kib} KiB in pieces of 64 KiB`, () => {
      const digest = makeDigest();
      for (let at = 0; at < body.length; at += 64 * KiB) {
        digest.update(body.subarray(at, at + 64 * KiB));
      }
      do_not_optimize(digest.hex());
    });
  });
}

summary(() => {
  const reason = new Fault("peer_failed", "gone");
  bench("a call-off that is listened to", () => {
    const callOff = new CallOff();
    callOff.hear(() => do_not_optimize(reason));
    callOff.deafen();
    do_not_optimize(callOff);
  });
  bench("an AbortController that is listened to", () => {
    const { signal } = new AbortController();
    const listener = (): void => void do_not_optimize(reason);
    signal.addEventListener("abort", listener, { once: true });
    signal.removeEventListener("abort", listener);
    do_not_optimize(signal);
  });
});

summary(() => {
  const nothing = (): void => undefined;
  bench("a shared wait made and ended", () => waitAbout(500, nothing).end());
  bench("a timer set and cleared", () => clearTimeout(setTimeout(nothing, 500)));
});

/** Frames and bytes a second of a mixed stream, in chunks as sockets give them. */
function throughput(): void {
  // plain, as sockets give them: a part of a Buffer costs more to make
  const stream = new Uint8Array(
    Buffer.concat(
      Array.from({ length: 40 }, () => [...Object.values(FRAMES), answer(12 * KiB)]).flat(),
    ),
  );
  const chunk = 64 * KiB;
  const frames = 40 * (Object.keys(FRAMES).length + 2);
  const decoder = new Decoder();
  const pass = (): void => {
    for (let at = 0; at < stream.length; at += chunk) {
      decodeAll(decoder, stream.subarray(at, at + chunk));
    }
  };
  for (let i = 0; i < 200; i++) pass();
  const passes = 500;
  const begun = Bun.nanoseconds();
  for (let i = 0; i < passes; i++) pass();
  const seconds = (Bun.nanoseconds() - begun) / 1e9;
  const perSecond = (amount: number): string => ((amount * passes) / seconds / 1e6).toFixed(2);
  console.log(
    `\na stream of every kind and bodies of 12 KiB, in chunks of 64 KiB: ${perSecond(frames)} million frames, ` +
      `${perSecond(stream.length)} MB a second`,
  );
}

await run({ format: process.argv.includes("--json") ? "json" : "mitata" });
throughput();
