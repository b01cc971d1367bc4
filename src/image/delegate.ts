/** Image work that a service does (`[services] thumbnail_endpoint`), with the image workers as what is fallen back on. */

import { type Breaker, makeBreaker } from "../base/breaker.ts";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Facts } from "../base/variant.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Demand } from "./demand.ts";
import { askEndpoint, type EndpointAnswer } from "./endpoint.ts";
import { canAnimate, outputSides, type Sides } from "./fit.ts";
import { heifFacts } from "./heif-facts.ts";
import type { ImageJob, MadeResult, MakeJob, ProbedResult } from "./job.ts";
import type { ImagePool } from "./pool.ts";
import { sourceOf } from "./refused-jobs.ts";

export interface DelegateOptions {
  readonly endpoint: string;
  readonly pool: ImagePool;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** Default `DEADLINES.delegateMs`. */
  readonly waitMs?: number;
}

/** What comes back is verified by an image worker: its type, its size, and that a decoder reads its header. */
export function makeDelegate(options: DelegateOptions): ImagePool {
  const { pool } = options;
  const delegate = new Delegate(options);
  return {
    run: (job, demand) =>
      job.kind === "probe" ? probe(pool, job, demand) : delegate.make(job, demand),
    warmUp: () => pool.warmUp(),
    stats: () => pool.stats(),
    close: () => pool.close(),
  };
}

/** Pixels a side that what comes back may differ: services round in their own ways. */
const ROUNDING = 1;
/** Who gives the service less time than this proves nothing about it. */
const HURRY_MS = 1_000;
/** Of the time that is left: the rest is for the image workers. */
const TIME_PART = 2;

/** A HEIC is told by its header alone: the service decodes it. */
async function probe(pool: ImagePool, job: ImageJob, demand: Demand) {
  try {
    return await pool.run(job, demand);
  } catch (error) {
    if (asFault(error).code !== "heic_unsupported") throw error;
    const facts = heifFacts(job.source, job.limits);
    return { kind: "probed", facts, format: "heic" } as const;
  }
}

class Delegate {
  readonly #options: DelegateOptions;
  readonly #breaker: Breaker;
  #active = 0;

  constructor(options: DelegateOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#breaker = makeBreaker({
      clock,
      changed({ refusing, forMs }) {
        if (refusing) log.warn("image_service_left_alone", { forMs });
        else log.info("image_service_back");
      },
    });
  }

  async make(job: MakeJob, demand: Demand): Promise<MadeResult | ProbedResult> {
    const { pool } = this.#options;
    const { shows } = job;
    if (shows === undefined || !canDelegate(job, shows) || this.#active >= LIMITS.delegatedMax) {
      return pool.run(job, demand);
    }
    const broken = await this.#tried(job, { shows, demand });
    if (broken.made !== undefined) return broken.made;
    try {
      return await pool.run(job, demand);
    } catch (error) {
      const fault = asFault(error);
      if (fault.code !== "heic_unsupported" || broken.unable) throw fault;
      // it could be made, were the service there
      throw new Fault("image_failed", "the image service does not answer", {
        cause: error,
        retryAfterMs: Math.max(DEADLINES.imageRetryLeastMs, this.#breaker.waitMs()),
      });
    }
  }

  /** `unable`: the service has said that it cannot do this picture. */
  async #tried(
    job: MakeJob,
    { shows, demand }: { readonly shows: Facts; readonly demand: Demand },
  ): Promise<{ readonly made?: MadeResult; readonly unable: boolean }> {
    if (!this.#breaker.enter()) return { unable: false };
    const { endpoint, waitMs: longestMs = DEADLINES.delegateMs } = this.#options;
    const sides = outputSides(shows, job);
    const { deadlineMs, patienceMs = deadlineMs } = demand;
    const waitMs = Math.min(longestMs, Math.min(deadlineMs, patienceMs) / TIME_PART);
    const ext = sourceOf(job).split(".").at(-1) ?? "bin";
    this.#active++;
    try {
      const { gone, traceparent } = demand;
      const wish = { sides, ext, waitMs, gone, traceparent };
      const answer = await askEndpoint(endpoint, job, wish);
      if (demand.gone?.aborted === true) {
        this.#breaker.released();
        throw new Fault("abandoned", "nobody waits for the picture any more");
      }
      return await this.#judged(answer, job, {
        shows,
        sides,
        inHurry: waitMs < Math.min(longestMs, HURRY_MS),
      });
    } finally {
      this.#active--;
    }
  }

  async #judged(
    answer: EndpointAnswer,
    job: MakeJob,
    asked: { readonly shows: Facts; readonly sides: Sides; readonly inHurry: boolean },
  ): Promise<{ readonly made?: MadeResult; readonly unable: boolean }> {
    const { counters } = this.#options;
    if (answer.kind === "unable") {
      this.#breaker.succeeded();
      return { unable: true };
    }
    if (answer.kind === "late") return this.#failed("no answer in time", asked.inHurry);
    if (answer.kind === "failed") return this.#failed(answer.reason, false);
    const found = await this.#lookAt(job);
    if (found === undefined) return this.#failed("its answer is no picture", false);
    const { facts, format } = found;
    if (format !== job.format) {
      return this.#failed(`its answer is ${format} where ${job.format} was asked for`, false);
    }
    if (!isOfSize(facts, asked.sides)) {
      return this.#failed(`its answer is ${facts.width}x${facts.height}`, false);
    }
    this.#breaker.succeeded();
    counters.add("delegated");
    const { bytes, digest } = answer;
    const { width, height } = facts;
    return {
      made: { kind: "made", bytes, digest, width, height, facts: asked.shows },
      unable: false,
    };
  }

  /** undefined: it is nothing that a decoder here reads. Throws when nobody here could look at it. */
  async #lookAt({ id, target, limits }: MakeJob): Promise<ProbedResult | undefined> {
    const job = { kind: "probe", ...(id && { id }), source: target, limits } as const;
    try {
      const found = await this.#options.pool.run(job, { deadlineMs: DEADLINES.delegateLookMs });
      return found.kind === "probed" ? found : undefined;
    } catch (error) {
      const fault = asFault(error);
      if (fault.code === "undecodable" || fault.code === "unsupported_image") return undefined;
      if (fault.code === "image_too_large" || fault.code === "heic_unsupported") return undefined;
      this.#breaker.released();
      throw fault;
    }
  }

  #failed(reason: string, inHurry: boolean): { readonly unable: false } {
    const { counters, log } = this.#options;
    counters.add("delegate_failed");
    log.warn("image_service_failed", { reason });
    // a caller in a hurry proves nothing about the service
    if (inHurry) this.#breaker.released();
    else this.#breaker.failed();
    return { unable: false };
  }
}

/** A whole picture made smaller: crops, frames and placeholders have rules of their own. */
function canDelegate({ fit, cropped, bytesMax, format }: MakeJob, shows: Facts): boolean {
  if (fit !== "inside" || cropped || bytesMax !== undefined || shows.width === 0) return false;
  return !(shows.animated && canAnimate(format));
}

function isOfSize(found: Sides, wanted: Sides): boolean {
  return (
    Math.abs(found.width - wanted.width) <= ROUNDING &&
    Math.abs(found.height - wanted.height) <= ROUNDING
  );
}
