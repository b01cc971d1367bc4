/** Streams that no peer would send: recordings of the control protocol, broken in every way. */

import fc from "fast-check";
import {
  encodeAsk,
  encodeEnd,
  encodeHello,
  encodeRebalanceHead,
  encodeSaveHead,
} from "../../src/wire/encode.ts";
import { makeDigest } from "../../src/wire/xxhash.ts";
import { EPOCH, RELNAME } from "./peers.ts";
import { anyRecording } from "./wire-arbitraries.ts";

/** Seconds of a test that goes on as long as it is given: MIR_FUZZ_SECONDS, by default one. */
export const FUZZ_SECONDS = Number(process.env["MIR_FUZZ_SECONDS"] ?? 1);
/** MIR_FUZZ_SEED repeats what was seen; told when a test fails. */
export const FUZZ_SEED = Number(process.env["MIR_FUZZ_SEED"] ?? Date.now() % 1_000_000_007);

const utf8 = new TextEncoder();
const HELLO = encodeHello({ name: "fuzzer", epoch: EPOCH, version: 1, nonce: "0".repeat(64) });

/** What a dialler may say with sense, so that some streams get past the first checks. */
const sensible: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(
    encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 50 }),
  ),
  fc
    .tuple(
      fc.constantFrom(encodeSaveHead, encodeRebalanceHead),
      fc.uint8Array({ maxLength: 3000 }),
      fc.constantFrom("whole", "longer", "unended", "damaged"),
    )
    .map(([encode, content, kind]) => {
      const { length } = content;
      const meta = { relname: RELNAME, bytes: length, validator: "0".repeat(16) };
      const head = encode(meta, length + (kind === "longer" ? 7 : 0));
      const digest = makeDigest();
      digest.update(content);
      const xxh64 = kind === "damaged" ? "0".repeat(16) : digest.hex();
      const end = kind === "unended" ? new Uint8Array(0) : encodeEnd({ bytes: length, xxh64 });
      return Buffer.concat([head, content, end]);
    }),
  anyRecording.map(({ bytes }) => bytes),
);

type Break = (bytes: Uint8Array, at: number, value: number) => Uint8Array;

const BREAKS: readonly Break[] = [
  (bytes) => bytes,
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.subarray(at),
  (bytes, at, value) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[at % changed.length] = value;
    return changed;
  },
  (bytes, at, value) => {
    const changed = Buffer.from(bytes);
    const bit = at % (changed.length * 8 || 1);
    if (changed.length > 0) changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (value & 7));
    return changed;
  },
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes]),
  // the length of the first frame, up to a terabyte
  (bytes, at, value) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 5) changed[at % 5] = value;
    return changed;
  },
  (bytes, at, value) =>
    Buffer.concat([bytes.subarray(0, at), utf8.encode("\0".repeat(value)), bytes.subarray(at)]),
];

const broken: fc.Arbitrary<Uint8Array> = fc
  .tuple(sensible, fc.nat({ max: BREAKS.length - 1 }), fc.nat(), fc.nat({ max: 255 }))
  .map(([bytes, which, at, value]) => {
    const change = BREAKS[which];
    return change === undefined ? bytes : change(bytes, at % (bytes.length + 1), value);
  });

export interface FuzzStream {
  /** Sent one after the other. */
  readonly chunks: readonly Uint8Array[];
  /** The sender closes behind the last, resets, or waits for the other side. */
  readonly ending: "end" | "reset" | "wait";
}

/** With a hello in front more often than not. */
const fuzzStream: fc.Arbitrary<FuzzStream> = fc.record({
  chunks: fc
    .tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.array(sensible, { maxLength: 3 }),
      fc.array(fc.oneof(broken, sensible, fc.uint8Array({ maxLength: 200 })), { maxLength: 3 }),
    )
    .map(([hello, first, rest]) => [...(hello > 0 ? [HELLO] : []), ...first, ...rest]),
  ending: fc.constantFrom("end", "reset", "wait"),
});

/** Streams without end, the same for the same seed. */
export function* fuzzStreams(seed: number): Generator<FuzzStream> {
  for (let round = 0; ; round++) {
    yield* fc.sample(fuzzStream, { numRuns: 200, seed: seed + round });
  }
}
