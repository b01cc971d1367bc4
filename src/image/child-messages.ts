/** What an image worker and its parent say to each other; each side believes nothing it has not checked. */

import * as v from "valibot";
import { type FaultCode, isFaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { FORMATS } from "../base/variant.ts";
import type { ImageJob, JobOutcome } from "./job.ts";

export interface ToChild {
  /** Of the first: counts the jobs of one child, so that an answer cannot be taken for another job's. */
  readonly number: number;
  /** Done in this order; several are of one source. */
  readonly jobs: readonly ImageJob[];
}

export type FromChild =
  | { readonly kind: "ready" }
  /** It cannot work at all; for the log. */
  | { readonly kind: "unable"; readonly message: string }
  | {
      readonly kind: "ended";
      readonly number: number;
      readonly outcome: JobOutcome;
      /** Resident bytes after the job. */
      readonly rssBytes: number;
    };

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const sides = v.object({ width: positive, height: positive });
const facts = v.object({
  width: positive,
  height: positive,
  alpha: v.boolean(),
  animated: v.boolean(),
});
const format = v.picklist(FORMATS);
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));
const limits = v.object({
  pixels: positive,
  animatedPixels: positive,
  animatedWebpPixels: positive,
  animatedGifPixels: positive,
  frames: positive,
  sourceBytes: positive,
  outputBytes: positive,
});

const job = v.variant("kind", [
  v.object({
    kind: v.literal("make"),
    source: v.string(),
    target: v.string(),
    box: sides,
    fit: v.picklist(["inside", "cover", "contain"]),
    cropped: v.boolean(),
    bytesMax: v.exactOptional(positive),
    format,
    quality: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)),
    effort: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
    limits,
    picture: v.exactOptional(sides),
    sourceDigest: v.exactOptional(digest),
  }),
  v.object({
    kind: v.literal("probe"),
    source: v.string(),
    whole: v.exactOptional(v.boolean()),
    limits,
  }),
]);

const jobs = v.pipe(v.array(job), v.minLength(1), v.maxLength(LIMITS.imageBatchMax));

const toChild = v.object({ number: count, jobs });

const outcome = v.variant("kind", [
  v.object({
    kind: v.literal("made"),
    bytes: positive,
    width: positive,
    height: positive,
    facts,
    digest,
  }),
  v.object({ kind: v.literal("probed"), facts, format }),
  v.object({
    kind: v.literal("fault"),
    code: v.custom<FaultCode>((code) => typeof code === "string" && isFaultCode(code)),
    message: v.string(),
    detail: v.string(),
  }),
]);

const fromChild = v.variant("kind", [
  v.object({ kind: v.literal("ready") }),
  v.object({ kind: v.literal("unable"), message: v.string() }),
  v.object({ kind: v.literal("ended"), number: count, outcome, rssBytes: count }),
]);

/** undefined when it is nothing a parent says. */
export function parseToChild(message: unknown): ToChild | undefined {
  const parsed = v.safeParse(toChild, message);
  return parsed.success ? parsed.output : undefined;
}

/** undefined when it is nothing a healthy image worker says. */
export function parseFromChild(message: unknown): FromChild | undefined {
  const parsed = v.safeParse(fromChild, message);
  return parsed.success ? parsed.output : undefined;
}
