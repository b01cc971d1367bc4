/** What the `meta` part of an upload says, and whether its key opens anything (spec §2 steps 1 and 2). */

import { timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { isContentId } from "../base/variant.ts";
import { isWebId } from "../base/web-name.ts";
import type { UploadWish } from "../content/upload.ts";

const META = v.strictObject({
  key: v.string(),
  relname: v.optional(v.string()),
  contentId: v.optional(v.pipe(v.string(), v.check(isContentId))),
  webId: v.optional(v.pipe(v.string(), v.check(isWebId))),
  digest: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-fA-F]{64}$/), v.toLowerCase())),
});

const EXPECTED: Readonly<Record<string, string>> = {
  relname: "a relname like vi/ra/l1/orig/viral123.jpg",
  contentId: "6 to 96 of A-Z a-z 0-9 _ -",
  webId: "1 to 128 of A-Z a-z 0-9 . _ ~ -",
  digest: "the SHA-256 of the picture as 64 hex digits",
};

/** Whether a key is one of those that open uploads; the time it takes tells nothing about them. */
export type KeyCheck = (key: string) => boolean;

export function makeKeyCheck(keys: readonly string[]): KeyCheck {
  const expected = keys.map(sha256);
  return (key) => {
    const given = sha256(key);
    // every key is compared, so that the time does not tell which one it was
    return expected.filter((one) => timingSafeEqual(one, given)).length > 0;
  };
}

/**
 * What is no JSON object is `bad_request` at once: it says nothing of any key. Then throws `bad_upload_key` before it looks at
 * anything else, so that who has no key learns nothing, and `bad_request` naming the first field that is wrong.
 */
export function parseUploadMeta(text: string, isKey: KeyCheck): UploadWish {
  const found = parseJson(text);
  if (found === undefined) throw new Fault("bad_request", "meta must be a JSON object");
  const { key } = found as { readonly key?: unknown };
  if (typeof key !== "string" || !isKey(key)) {
    throw new Fault("bad_upload_key", "the upload key is missing or wrong");
  }
  const parsed = v.safeParse(META, found);
  if (!parsed.success) throw wrongField(parsed.issues[0]);
  const { relname, contentId, webId, digest } = parsed.output;
  return { relname, contentId, webId, digest };
}

/** undefined for what is no JSON object. */
function parseJson(text: string): object | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

function wrongField(issue: v.BaseIssue<unknown>): Fault {
  const field = String(issue.path?.[0]?.key ?? "").slice(0, 40);
  const expected = EXPECTED[field];
  if (expected === undefined) {
    return new Fault(
      "bad_request",
      `meta has a field ${JSON.stringify(field)} that uploads have not`,
    );
  }
  return new Fault("bad_request", `meta: ${field} must be ${expected}`);
}

function sha256(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}
