/** A variant's meta checked and packed the way slots and the journal keep it. */

import { LIMITS } from "../base/limits.ts";
import {
  type Facts,
  parseRelname,
  relnameOf,
  type Variant,
  type VariantMeta,
} from "../base/variant.ts";
import type { FactFields } from "./journal.ts";
import { FLAG } from "./layout.ts";
import type { SlotContent } from "./slots.ts";

const VALIDATOR = /^[0-9a-f]{16}$/;
const U32_MAX = 2 ** 32 - 1;

const HEX_PAIRS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

export interface PackedMeta {
  readonly variant: Variant;
  readonly content: SlotContent;
}

/** What cannot be kept as it is gives a reason in words. More than 31 lossy steps are kept as 31. */
export function packMeta(meta: VariantMeta): PackedMeta | string {
  const variant = parseRelname(meta.relname);
  if (variant === undefined || relnameOf(variant) !== meta.relname) return "not a relname";
  if (!isWhole(meta.bytes, LIMITS.wireBodyBytesMax)) return "bytes out of range";
  if (!VALIDATOR.test(meta.validator)) return "validator is not 16 hex digits";
  if (!isWhole(meta.modified, U32_MAX)) return "modified out of range";
  const facts = packFacts(meta.facts, meta.lossySteps);
  if (facts === undefined) return "facts out of range";
  const validatorHigh = Number.parseInt(meta.validator.slice(0, 8), 16);
  const validatorLow = Number.parseInt(meta.validator.slice(8), 16);
  const { bytes, modified } = meta;
  return { variant, content: { bytes, modified, validatorHigh, validatorLow, ...facts } };
}

export function packFacts(facts: Facts, lossySteps: number): FactFields | undefined {
  const { width, height } = facts;
  if (!isWhole(width, LIMITS.pictureSideMax) || !isWhole(height, LIMITS.pictureSideMax))
    return undefined;
  if (!isWhole(lossySteps, U32_MAX)) return undefined;
  const marks = (facts.alpha ? FLAG.alpha : 0) | (facts.animated ? FLAG.animated : 0);
  const flags = marks | (Math.min(FLAG.lossyMax, lossySteps) << FLAG.lossyShift);
  return { width, height, flags };
}

export function factsOf(width: number, height: number, flags: number): Facts {
  return {
    width,
    height,
    alpha: (flags & FLAG.alpha) !== 0,
    animated: (flags & FLAG.animated) !== 0,
  };
}

/**
 * 16 hex digits of two words. On the path of every hit: joined from eight pieces the runtime puts off the copying
 * until somebody reads it, and takes a third of the time of any other way (bench/micro/index.ts).
 */
export function validatorText(high: number, low: number): string {
  return pairsOf(high) + pairsOf(low);
}

function pairsOf(word: number): string {
  return `${pair(word >>> 24)}${pair(word >>> 16)}${pair(word >>> 8)}${pair(word)}`;
}

function pair(octet: number): string {
  return HEX_PAIRS[octet & 255] ?? "";
}

function isWhole(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}
