/** One record of the outbox as a file: its text, and what is believed of a text that was found. */

import * as v from "valibot";
import { LIMITS } from "../base/limits.ts";
import { ORIG, parseRelname, relnameOf, type VariantMeta } from "../base/variant.ts";

/** Where an upload goes from here: to the next level by `=`, or into the store (spec §2 "upload" step 3). */
export type Hop = "level" | "store";

/** An upload that this node vouches for until the next hop does. Its meta is that of the pinned variant. */
export interface OutboxRecord extends VariantMeta {
  /** Hex, of the bytes. */
  readonly sha256: string;
  readonly next: Hop;
  /** The levels below could not say whether they have other bytes under the id: the store must. */
  readonly unchecked?: boolean | undefined;
  /** Unix seconds. */
  readonly createdAt: number;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const RECORD = v.strictObject({
  relname: v.pipe(v.string(), v.check(isOriginalRelname)),
  bytes: v.pipe(count, v.maxValue(LIMITS.originalBytesMax)),
  validator: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  modified: count,
  facts: v.strictObject({
    width: v.pipe(count, v.maxValue(LIMITS.pictureSideMax)),
    height: v.pipe(count, v.maxValue(LIMITS.pictureSideMax)),
    alpha: v.boolean(),
    animated: v.boolean(),
  }),
  lossySteps: count,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  next: v.picklist(["level", "store"]),
  createdAt: count,
  // last, and absent where it is not so: records of before it have the same check
  unchecked: v.optional(v.literal(true)),
});
const ENVELOPE = v.strictObject({ xxh64: v.string(), record: RECORD });

/** JSON with a checksum over its own record. Throws when it is none that could be read back. */
export function formatRecord(record: OutboxRecord): string {
  const { relname, bytes, validator, modified, facts, lossySteps } = record;
  const { width, height, alpha, animated } = facts;
  const { sha256, next, createdAt, unchecked } = record;
  const plain = v.parse(RECORD, {
    ...{
      relname,
      bytes,
      validator,
      modified,
      facts: { width, height, alpha, animated },
      lossySteps,
    },
    ...{ sha256, next, createdAt, ...(unchecked === true && { unchecked }) },
  });
  return `${JSON.stringify({ xxh64: checkOf(plain), record: plain })}\n`;
}

/** undefined for what is torn, changed or of another version. */
export function parseOutboxRecord(text: string): OutboxRecord | undefined {
  if (text.length > LIMITS.outboxRecordBytesMax) return undefined;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(ENVELOPE, found);
  if (!parsed.success) return undefined;
  const { xxh64, record } = parsed.output;
  return checkOf(record) === xxh64 ? record : undefined;
}

/** The name of its file: one an upload, readable, and free of slashes. */
export function fileNameOf(relname: string): string {
  return `${relname.slice(relname.lastIndexOf("/") + 1)}.json`;
}

function isOriginalRelname(text: string): boolean {
  const variant = parseRelname(text);
  return variant !== undefined && variant.size === ORIG && relnameOf(variant) === text;
}

/** The order of keys is that of RECORD, whatever it was in the file. */
function checkOf(record: OutboxRecord): string {
  return Bun.hash.xxHash64(JSON.stringify(record)).toString(16).padStart(16, "0");
}
