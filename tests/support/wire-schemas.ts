/** The JSON of the control protocol as schemas: what the hand-written checks of src/wire are compared with. */

import * as v from "valibot";
import { LIMITS } from "../../src/base/limits.ts";
import { isContentId, parseRelname } from "../../src/base/variant.ts";

/** Printable ASCII: it ends up in headers and logs, where a line break would be an attack. */
const PRINTABLE = /^[\x20-\x7e]*$/;
const HEX16 = /^[0-9a-f]{16}$/;
const WEB_ID = /^[A-Za-z0-9._~-]{1,128}$/;
const HEX64 = /^[0-9a-f]{64}$/;

const relname = v.pipe(
  v.string(),
  v.check((text) => parseRelname(text) !== undefined, "no relname"),
  v.transform((text) => (text.startsWith("/") ? text.slice(1) : text)),
);
const printable = (charsMax: number) =>
  v.pipe(v.string(), v.maxLength(charsMax), v.regex(PRINTABLE, "not printable ASCII"));
const count = (max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max));
const hex16 = v.pipe(v.string(), v.regex(HEX16, "not 16 hex digits"));
const hex64 = v.pipe(v.string(), v.regex(HEX64, "not 64 hex digits"));
const flag = v.optional(v.boolean());
const bytes = count(LIMITS.wireBodyBytesMax);
const milliseconds = count(LIMITS.wireMillisecondsMax);

const Facts = v.object({
  width: count(LIMITS.pictureSideMax),
  height: count(LIMITS.pictureSideMax),
  alpha: v.boolean(),
  animated: v.boolean(),
});

/** What an upload said of itself, handed down with it. */
const Upload = v.object({
  webId: v.optional(v.pipe(v.string(), v.regex(WEB_ID, "no web id"))),
  /** Of the bytes, as the uploader told it. */
  sha256: v.optional(hex64),
  unchecked: flag,
});

/** Header of `=` and `&`; a plain Save has only the relname. */
const SaveHeader = v.object({
  relname,
  /** Length of the whole variant; the body has less of it after an offset, and nothing of it for `head`. */
  bytes: v.optional(bytes),
  offset: v.optional(bytes),
  head: flag,
  validator: v.optional(hex16),
  modified: v.optional(count(Number.MAX_SAFE_INTEGER)),
  facts: v.optional(Facts),
  lossySteps: v.optional(count(255)),
  /** Unix seconds at which its original was read, at the earliest. */
  sourceAt: v.optional(count(Number.MAX_SAFE_INTEGER)),
  via: v.optional(printable(LIMITS.wireViaCharsMax)),
  detail: v.optional(printable(LIMITS.wireDetailCharsMax)),
  shape: v.optional(printable(LIMITS.wireShapeCharsMax)),
  standIn: flag,
  held: v.optional(
    v.pipe(
      v.array(v.pipe(printable(LIMITS.wireNameCharsMax), v.minLength(1))),
      v.maxLength(LIMITS.wireHeldMax),
    ),
  ),
  load: v.optional(v.object({ rate: count(1e9), busy: count(1e9) })),
  spans: v.optional(
    v.pipe(
      v.array(
        v.object({
          name: v.pipe(v.string(), v.regex(/^[a-z-]{1,32}$/, "no span")),
          us: count(LIMITS.wireMillisecondsMax * 1000),
          at: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/, "no server")),
          hop: count(255),
        }),
      ),
      v.maxLength(LIMITS.traceSpansMax),
    ),
  ),
  variants: v.optional(
    v.pipe(
      v.array(v.object({ relname, bytes, validator: hex16 })),
      v.maxLength(LIMITS.wireListedMax),
    ),
  ),
  /** Only in a Save from a dialler. */
  upload: v.optional(Upload),
});

const hitCount = v.pipe(count(1e9), v.minValue(1));

/** `@`: hits a replica served in the owner's place; of one relname as legacy peers say it, or of several. */
const HitRecord = v.union([
  v.pipe(
    v.object({ relname, hits: v.optional(hitCount, 1) }),
    v.transform(({ relname: of, hits }) => ({ hits: [{ relname: of, count: hits }] })),
  ),
  v.object({
    hits: v.pipe(
      v.array(v.object({ relname, count: hitCount })),
      v.minLength(1),
      v.maxLength(LIMITS.wireRecordsMax),
    ),
  }),
]);

/** `-`: a bare relname; from an extended peer it may be JSON that also names who owns it. */
const Warm = v.object({
  relname,
  owner: v.optional(v.pipe(printable(LIMITS.wireNameCharsMax), v.minLength(1))),
});

/** `!` */
const Hello = v.object({
  name: v.pipe(printable(LIMITS.wireNameCharsMax), v.minLength(1)),
  epoch: printable(LIMITS.wireNameCharsMax),
  /** Of the protocol. */
  version: v.pipe(count(65_535), v.minValue(1)),
  nonce: hex64,
  /** Ids of the control keys that a dialler has. */
  keys: v.optional(v.pipe(v.array(hex16), v.minLength(1), v.maxLength(LIMITS.wireKeysMax))),
  /** Id of the one that a listener chose, and its proof that it has it. */
  key: v.optional(hex16),
  proof: v.optional(hex64),
});

/** The dialler's second `!`: that it has the key too. */
const Proof = v.object({ proof: hex64 });

/** `?` */
const Ask = v.object({
  relname,
  role: v.picklist(["owner", "local"]),
  epoch: printable(LIMITS.wireNameCharsMax),
  hops: count(255),
  /** Until the first byte of `=`. */
  deadlineMs: v.pipe(milliseconds, v.minValue(1)),
  offset: v.optional(bytes),
  ifNoneMatch: v.optional(hex16),
  head: flag,
  facts: flag,
  list: flag,
  copy: flag,
  standIn: flag,
  trace: v.optional(printable(LIMITS.wireNameCharsMax)),
  originalExt: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9]{2,5}$/, "no ext"))),
  traceparent: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/, "no context"),
    ),
  ),
  timed: flag,
});

/** `~` */
const ErrorMessage = v.object({
  code: v.pipe(printable(LIMITS.wireNameCharsMax), v.minLength(1)),
  retryAfterMs: v.optional(milliseconds),
});

/** `.`: of the body bytes of the `=` before it. */
const End = v.object({ bytes, xxh64: hex16 });

/** `%`: what became of the message named by its command byte. */
const Ack = v.object({
  of: v.picklist(["=", "&", "@", "-", "x"]),
  ok: v.boolean(),
  relname: v.optional(relname),
  /** Why not; like the code of `~`. */
  code: v.optional(printable(LIMITS.wireNameCharsMax)),
  message: v.optional(printable(LIMITS.wireDetailCharsMax)),
  retryAfterMs: v.optional(milliseconds),
  /** What was done, in a word or two. */
  note: v.optional(printable(LIMITS.wireDetailCharsMax)),
  /** More of it; each message has its own. */
  detail: v.optional(v.record(v.string(), v.unknown())),
});

/** `x`: what is to happen to ids; for `purge`, every variant from a source older than this goes. */
const Purge = v.object({
  entries: v.pipe(
    v.array(
      v.object({
        id: v.pipe(v.string(), v.check(isContentId, "no content id")),
        /** Unix seconds. */
        purgedAt: count(Number.MAX_SAFE_INTEGER),
        action: v.picklist(["purge", "withdraw", "block", "unblock", "origin"]),
      }),
    ),
    v.maxLength(LIMITS.wirePurgesMax),
  ),
  /** Nodes passed before the one that is told. */
  hops: count(255),
  /** The node that it is for, when that is not the one it is told. */
  to: v.optional(v.pipe(printable(LIMITS.wireNameCharsMax), v.minLength(1))),
  /** What the teller has heard of the told one's orders so far: it wants those that came later. */
  since: v.optional(
    v.object({ log: printable(LIMITS.wireNameCharsMax), seq: count(Number.MAX_SAFE_INTEGER) }),
  ),
});

/** By the kind that the decoder gives the message. */
export const SCHEMAS = {
  save: SaveHeader,
  record: HitRecord,
  warm: Warm,
  hello: Hello,
  proof: Proof,
  ask: Ask,
  error: ErrorMessage,
  end: End,
  ack: Ack,
  purge: Purge,
} as const;
