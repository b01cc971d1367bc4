/** What an image worker is asked to do, and how that can end: shared by both sides of the process border. */

import type { FaultCode } from "../base/fault.ts";
import type { Facts, Format, OriginalExt } from "../base/variant.ts";
import type { Fit } from "../topology/topology.ts";
import type { Sides } from "./fit.ts";

/** Limits of one job (spec §6); what is over one is `image_too_large`. */
export interface JobLimits {
  /** Of one frame. */
  readonly pixels: number;
  /** Of all frames together, where all are wanted. */
  readonly animatedPixels: number;
  /** Of all frames of what is made. */
  readonly animatedWebpPixels: number;
  readonly animatedGifPixels: number;
  readonly frames: number;
  readonly sourceBytes: number;
  readonly outputBytes: number;
}

interface Named {
  /** What the source is, for telling jobs apart; its path when absent, since paths may be of the moment. */
  readonly of?: string;
  /** Whose picture it is, for the log: a source may be a file of the moment, and of an upload nothing else is sure. */
  readonly id?: string;
}

export interface MakeJob extends Named {
  readonly kind: "make";
  /** Paths; never bytes (design decision 1). The target is written whole, or not left behind. */
  readonly source: string;
  readonly target: string;
  readonly box: Sides;
  /** How the picture comes into the box. */
  readonly fit: Fit;
  /** What the source is besides a smaller picture: already the crop that is wanted. */
  readonly cropped: boolean;
  /** Blurred, and of so few bytes, whatever it costs the picture; `quality` has no say. webp only. */
  readonly bytesMax?: number;
  readonly format: Format;
  /** As in Encoding. */
  readonly quality: number;
  readonly effort: number;
  readonly limits: JobLimits;
  /**
   * The upright original when the source is not the original itself: a variant then comes out at the
   * same size whatever it was made from. Absent: the source's own.
   */
  readonly picture?: Sides;
  /** What is known of the original, for whoever has no decoder to look. */
  readonly shows?: Facts;
  /** XXH64 of the source, 16 hex digits: of other bytes nothing is made. Absent: nobody knows. */
  readonly sourceDigest?: string;
}

/** Looks at the header. */
export interface ProbeJob extends Named {
  readonly kind: "probe";
  readonly source: string;
  /** And decodes the picture, of an animation the first frame: a file that breaks off is told of now. */
  readonly whole?: boolean;
  readonly limits: JobLimits;
}

export type ImageJob = MakeJob | ProbeJob;

export interface MadeResult {
  readonly kind: "made";
  readonly bytes: number;
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  /** Of the source, upright. */
  readonly facts: Facts;
  /** XXH64 of the target's bytes, 16 hex digits. */
  readonly digest: string;
  /** How long it waited for an image worker; the pool knows. */
  readonly queuedMs?: number;
}

export interface ProbedResult {
  readonly kind: "probed";
  readonly facts: Facts;
  readonly format: OriginalExt;
}

export interface FaultResult {
  readonly kind: "fault";
  readonly code: FaultCode;
  /** For people; never a path in it. */
  readonly message: string;
  /** What the decoder said, for the log of the node only. */
  readonly detail: string;
}

export type JobOutcome = MadeResult | ProbedResult | FaultResult;
