/** Any message of the control protocol, as the bytes of a recording and what they should be read as. */

import fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import { FORMATS, relnameOf } from "../../src/base/variant.ts";
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

export interface Recording {
  readonly bytes: Uint8Array;
  /** As `joined` tells it. */
  readonly says: readonly unknown[];
}

const contentId = fc.stringMatching(/^[A-Za-z0-9_-]{6,96}$/);
const relname = fc
  .record({
    id: contentId,
    size: fc.constantFrom("xs", "md", "800x600"),
    ext: fc.constantFrom(...FORMATS),
  })
  .map(relnameOf);
const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const text = fc.stringMatching(/^[\x20-\x7e]{1,60}$/);
const bytes = fc.nat({ max: 2 ** 31 - 1 });

const saveHeader = fc.record(
  {
    relname,
    bytes,
    offset: bytes,
    head: fc.boolean(),
    validator: hex(16),
    modified: bytes,
    facts: fc.record({
      width: fc.nat({ max: 65_535 }),
      height: fc.nat({ max: 65_535 }),
      alpha: fc.boolean(),
      animated: fc.boolean(),
    }),
    lossySteps: fc.nat({ max: 255 }),
    via: text,
    detail: text,
    shape: fc.constantFrom("600x600 inside", "x".repeat(LIMITS.wireShapeCharsMax)),
    standIn: fc.boolean(),
    spans: fc.array(
      fc.record({
        name: fc.stringMatching(/^[a-z-]{1,32}$/),
        us: fc.nat(),
        at: fc.stringMatching(/^[A-Za-z0-9._-]{1,128}$/),
        hop: fc.nat({ max: 255 }),
      }),
      { maxLength: 3 },
    ),
    variants: fc.array(fc.record({ relname, bytes, validator: hex(16) }), { maxLength: 3 }),
    upload: fc.record(
      {
        webId: fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/),
        sha256: hex(64),
        unchecked: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["relname"] },
);
const hello = fc.record(
  {
    name: text,
    epoch: text,
    version: fc.integer({ min: 1, max: 65_535 }),
    nonce: hex(64),
    keys: fc.array(hex(16), { minLength: 1, maxLength: 8 }),
    key: hex(16),
    proof: hex(64),
  },
  { requiredKeys: ["name", "epoch", "version", "nonce"] },
);
const ask = fc.record(
  {
    relname,
    role: fc.constantFrom("owner" as const, "local" as const),
    epoch: text,
    hops: fc.nat({ max: 255 }),
    deadlineMs: fc.integer({ min: 1, max: 86_400_000 }),
    offset: bytes,
    ifNoneMatch: hex(16),
    head: fc.boolean(),
    facts: fc.boolean(),
    list: fc.boolean(),
    copy: fc.boolean(),
    standIn: fc.boolean(),
    trace: text,
    originalExt: fc.constantFrom("jpg", "heic"),
    traceparent: fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
    timed: fc.boolean(),
  },
  { requiredKeys: ["relname", "role", "epoch", "hops", "deadlineMs"] },
);
const error = fc.record(
  { code: text, retryAfterMs: fc.nat({ max: 86_400_000 }) },
  { requiredKeys: ["code"] },
);
const ack = fc.record(
  {
    of: fc.constantFrom("=", "&", "@", "-", "x"),
    ok: fc.boolean(),
    relname,
    code: text,
    message: text,
    retryAfterMs: fc.nat({ max: 86_400_000 }),
    note: text,
    detail: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(text, fc.nat())),
  },
  { requiredKeys: ["of", "ok"] },
);

const purge = fc.record(
  {
    entries: fc.array(
      fc.record({
        id: contentId,
        purgedAt: bytes,
        action: fc.constantFrom("purge", "withdraw", "block", "unblock", "origin"),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    hops: fc.nat({ max: 255 }),
    to: text,
    since: fc.record({ log: text, seq: bytes }),
  },
  { requiredKeys: ["entries", "hops"] },
);
const end = fc.record({ bytes, xxh64: hex(16) });
const warm = fc.record({ relname, owner: text }, { requiredKeys: ["relname"] });
const hits = fc.array(fc.record({ relname, count: fc.integer({ min: 1, max: 1e9 }) }), {
  minLength: 1,
  maxLength: 4,
});

/** Good JSON of each message, as an object. */
export const anyJson = {
  save: saveHeader,
  record: fc.oneof(
    fc.record({ hits }),
    fc.record({ relname, hits: fc.integer({ min: 1, max: 1e9 }) }, { requiredKeys: ["relname"] }),
  ),
  warm,
  hello,
  proof: fc.record({ proof: hex(64) }),
  ask,
  error,
  end,
  ack,
  purge,
} as const satisfies Record<string, fc.Arbitrary<object>>;

const body = fc.uint8Array({ maxLength: 300 });
const message: fc.Arbitrary<Recording> = fc.oneof(
  fc.constant({ bytes: HEARTBEAT_FRAME, says: [{ kind: "heartbeat" }] }),
  fc.constant({ bytes: PING_FRAME, says: [{ kind: "ping" }] }),
  fc.constant({ bytes: PONG_FRAME, says: [{ kind: "pong" }] }),
  relname.map((r) => ({ bytes: encodeRequest(r), says: [{ kind: "request", relname: r }] })),
  warm.map((w) => ({ bytes: encodeWarm(w), says: [{ kind: "warm", warm: w }] })),
  hits.map((list) => ({
    bytes: encodeRecord({ hits: list }),
    says: [{ kind: "record", record: { hits: list } }],
  })),
  fc.tuple(saveHeader, body).map(([header, content]) => ({
    bytes: Buffer.concat([encodeSaveHead(header, content.length), content]),
    says: withBody("save", header, content),
  })),
  fc.tuple(saveHeader, body).map(([header, content]) => ({
    bytes: Buffer.concat([encodeRebalanceHead(header, content.length), content]),
    says: withBody("rebalance", header, content),
  })),
  hello.map((h) => ({ bytes: encodeHello(h), says: [{ kind: "hello", hello: h }] })),
  hex(64).map((proof) => ({ bytes: encodeProof({ proof }), says: [{ kind: "proof", proof }] })),
  ask.map((a) => ({ bytes: encodeAsk(a), says: [{ kind: "ask", ask: a }] })),
  error.map((e) => ({ bytes: encodeError(e), says: [{ kind: "error", error: e }] })),
  end.map((e) => ({ bytes: encodeEnd(e), says: [{ kind: "end", end: e }] })),
  ack.map((a) => ({ bytes: encodeAck(a), says: [{ kind: "ack", ack: a }] })),
  purge.map((p) => ({ bytes: encodePurge(p), says: [{ kind: "purge", purge: p }] })),
);

/** One message. */
export const anyMessage: fc.Arbitrary<Recording> = message;

/** Up to six messages in a row. */
export const anyRecording: fc.Arbitrary<Recording> = fc
  .array(message, { maxLength: 6 })
  .map((messages) => ({
    bytes: Buffer.concat(messages.map((m) => m.bytes)),
    says: messages.flatMap((m) => m.says),
  }));

function withBody(kind: string, header: object, content: Uint8Array): unknown[] {
  const hexBody = Buffer.from(content).toString("hex");
  return [
    { kind, header, bodyBytes: content.length },
    { kind: "body", hex: hexBody },
  ];
}
