/** A body from a peer that outlives the peer: another source goes on at the same byte (design decision 11). */

import type { Body } from "../base/body.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, type Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import { type Wait, waitAbout } from "../base/wait-about.ts";
import type { PeerHealth } from "../mesh/health.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";

/** Somebody who has the variant, and its bytes from some offset on. */
export interface BodySource {
  readonly peer: string;
  readonly meta: VariantMeta;
  readonly body: Body;
}

/** Another source from `offset` on, none of the `failed` ones; undefined when there is none. */
export type GoOn = (offset: number, failed: ReadonlySet<string>) => Promise<BodySource | undefined>;

export interface FailoverParts {
  readonly health: Pick<PeerHealth, "state">;
  readonly counters: Counters;
  readonly log: Log;
}

/**
 * Reads `first` to its end, and what `goOn` finds when it breaks off or its peer stops being up meanwhile. Only
 * sources with the same validator and length are read, so the reader gets one variant's bytes and no others.
 * Rejects with the Fault of the source that broke off when nobody can go on.
 */
export function failoverBody(parts: FailoverParts, first: BodySource, goOn: GoOn): Body {
  return new FailoverBody(parts, first, goOn);
}

class FailoverBody implements Body {
  readonly #parts: FailoverParts;
  readonly #goOn: GoOn;
  readonly #meta: VariantMeta;
  readonly #failed = new Set<string>();
  #watch: Wait | undefined;
  #source: BodySource;
  /** Its peer was up when it began: it is given up when it is not any more. */
  #watched: boolean;
  #onDoubt: (() => void) | undefined;
  #handed = 0;
  /** Sources tried since the last byte. */
  #tries = 0;
  #cancelled = false;

  constructor(parts: FailoverParts, first: BodySource, goOn: GoOn) {
    this.#parts = parts;
    this.#goOn = goOn;
    this.#meta = first.meta;
    this.#source = first;
    this.#watched = this.#isUp();
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const got = await this.#readOrMove();
      if (got === "moved") continue;
      this.#handed += got?.length ?? 0;
      this.#tries = 0;
      return got;
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#watch?.end();
    this.#source.body.cancel();
  }

  async #readOrMove(): Promise<Uint8Array | undefined | "moved"> {
    const reading = new Reading(this.#source.body);
    try {
      if (!(await this.#inDoubt(reading))) return await reading.bytes;
      // the source has brought nothing and its peer is not up: it is left as soon as there is another one
      const other = await this.#seek();
      if (other === undefined || reading.settled) {
        other?.body.cancel();
        this.#watched = false;
        return await reading.bytes;
      }
      this.#move(other);
      return "moved";
    } catch (error) {
      const fault = asFault(error);
      if (this.#cancelled || !isMendable(fault)) throw fault;
      this.#failed.add(this.#source.peer);
      const other = await this.#seek();
      if (other === undefined) throw fault;
      this.#move(other);
      return "moved";
    }
  }

  /** Resolves when the reading has ended: false; or true when its peer has stopped being up before that. */
  async #inDoubt(reading: Reading): Promise<boolean> {
    if (!this.#watched) return false;
    const doubt = Promise.withResolvers<boolean>();
    this.#onDoubt = () => doubt.resolve(true);
    this.#watchOn();
    const inDoubt = await Promise.race([reading.ended, doubt.promise]);
    this.#onDoubt = undefined;
    this.#watch?.end();
    return inDoubt;
  }

  #watchOn(): void {
    this.#watch = waitAbout(DEADLINES.bodyWatchMs, () => this.#look());
  }

  #look(): void {
    if (this.#onDoubt === undefined) return;
    if (this.#isUp()) this.#watchOn();
    else this.#onDoubt();
  }

  #isUp(): boolean {
    return this.#parts.health.state(this.#source.peer) === "up";
  }

  /** The next source that has the same bytes. */
  async #seek(): Promise<BodySource | undefined> {
    this.#failed.add(this.#source.peer);
    while (!this.#cancelled && this.#tries < LIMITS.bodyFailoversMax) {
      this.#tries++;
      const other = await this.#ask();
      if (other === undefined) return undefined;
      if (!this.#cancelled && this.#isSame(other.meta)) return other;
      other.body.cancel();
      this.#failed.add(other.peer);
    }
    return undefined;
  }

  async #ask(): Promise<BodySource | undefined> {
    try {
      return await this.#goOn(this.#handed, this.#failed);
    } catch (error) {
      const { relname } = this.#meta;
      this.#parts.log.info("a body cannot be continued", { relname, fault: asFault(error) });
      return undefined;
    }
  }

  #isSame({ validator, bytes }: VariantMeta): boolean {
    return validator === this.#meta.validator && bytes === this.#meta.bytes;
  }

  #move(to: BodySource): void {
    const { counters, log } = this.#parts;
    const { relname } = this.#meta;
    log.info("a body is continued", {
      relname,
      from: this.#source.peer,
      to: to.peer,
      offset: this.#handed,
    });
    counters.add("peer_failover");
    this.#source.body.cancel();
    this.#source = to;
    this.#watched = this.#isUp();
  }
}

/** One `read` under way. */
class Reading {
  readonly bytes: Promise<Uint8Array | undefined>;
  /** Resolves to false when it has ended, well or not. */
  readonly ended: Promise<false>;
  #settled = false;

  constructor(body: Body) {
    this.bytes = body.read();
    const end = (): false => {
      this.#settled = true;
      return false;
    };
    this.ended = this.bytes.then(end, end);
  }

  get settled(): boolean {
    return this.#settled;
  }
}

/** What was handed out stays right when the source has gone; what was damaged on the way may have been. */
function isMendable(fault: Fault): boolean {
  return fault.code === "peer_failed" || fault.code === "too_slow" || fault.code === "draining";
}
