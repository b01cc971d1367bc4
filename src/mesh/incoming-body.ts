/** A body on its way in from a peer: bounded, and not handed out to its end before it has been verified. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { reclaim } from "../base/reclaim.ts";
import type { End } from "../wire/messages.ts";
import { type Digest, digestOf, makeDigest } from "../wire/xxhash.ts";
import type { PeerBody } from "./peer.ts";

/** What the body asks of its connection. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** A reader waits from now on, or no longer. */
  waiting(on: boolean): void;
  /** The rest is not wanted. */
  abandon(): void;
}

const NOTHING_XXH64 = digestOf(new Uint8Array(0));

export class IncomingBody implements PeerBody {
  readonly #bytes: number;
  readonly #flow: Flow;
  /** Of what has come, where that is not all in one piece. */
  #digest: Digest | undefined;
  /** Of a body that came in one piece. */
  #xxh64: string | undefined;
  #queue: Uint8Array[] = [];
  #unread = 0;
  #received = 0;
  #handed = 0;
  #paused = false;
  #verified = false;
  #failure: Fault | undefined;
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  /** `bytes` is what the frame announced. */
  constructor(bytes: number, flow: Flow) {
    this.#bytes = bytes;
    this.#flow = flow;
  }

  /** Bytes from the wire; the decoder sees to it that there are not more than announced. */
  push(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return;
    if (bytes.length === this.#bytes) this.#xxh64 = digestOf(bytes);
    else this.#digestPart(bytes);
    reclaim(bytes.length);
    this.#received += bytes.length;
    this.#unread += bytes.length;
    this.#queue.push(bytes);
    this.#serveReader();
    if (this.#unread > LIMITS.linkUnreadBytesMax && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
  }

  /** The end frame has come: what is wrong with the body, if anything is. */
  verify(end: End): Fault | undefined {
    if (end.bytes !== this.#received || end.bytes !== this.#bytes) {
      return new Fault("bad_frame", `end: ${end.bytes} bytes told, ${this.#received} received`);
    }
    const xxh64 = this.#xxh64 ?? this.#digest?.hex() ?? NOTHING_XXH64;
    if (end.xxh64 !== xxh64) {
      return new Fault("bad_frame", "end: the body was damaged on the way");
    }
    this.#verified = true;
    this.#serveReader();
    return undefined;
  }

  /** The frame has ended and nothing follows that could verify it (legacy peers). */
  complete(): void {
    this.#verified = this.#failure === undefined;
    this.#serveReader();
  }

  /** The rest will not come. */
  fail(fault: Fault): void {
    if (this.#verified || this.#failure !== undefined) return;
    this.#failure = fault;
    this.#drop();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(fault);
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#reader !== undefined) throw new Fault("internal", "two reads at once of a body");
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = this.#take();
    if (bytes !== undefined || this.#ended()) return bytes;
    this.#reader = Promise.withResolvers();
    this.#flow.waiting(true);
    return this.#reader.promise;
  }

  takeWhole(): Uint8Array | undefined {
    const [first] = this.#queue;
    const whole = this.#verified && first?.length === this.#bytes && this.#reader === undefined;
    return whole ? this.#take() : undefined;
  }

  cancel(): void {
    if (this.#failure !== undefined || this.#ended()) return;
    const outstanding = !this.#verified;
    this.#verified = false;
    this.fail(new Fault("peer_failed", "the reader gave the body up"));
    if (outstanding) this.#flow.abandon();
  }

  #digestPart(bytes: Uint8Array): void {
    this.#digest ??= makeDigest();
    this.#digest.update(bytes);
  }

  #ended(): boolean {
    return this.#verified && this.#unread === 0;
  }

  #serveReader(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const bytes = this.#take();
    if (bytes === undefined && !this.#ended()) return;
    this.#reader = undefined;
    this.#flow.waiting(false);
    reader.resolve(bytes);
  }

  /** What may be handed out now: all but the last part until the end frame has agreed. */
  #take(): Uint8Array | undefined {
    const [first] = this.#queue;
    const heldBytes = this.#verified ? 0 : LIMITS.verifyTailBytes;
    const allowed = this.#bytes - heldBytes - this.#handed;
    if (first === undefined || allowed <= 0) return undefined;
    const bytes = first.length <= allowed ? first : first.subarray(0, allowed);
    if (bytes.length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(allowed);
    this.#handed += bytes.length;
    this.#unread -= bytes.length;
    // once verified the connection may serve another request: it is not ours to steer any more.
    // Half of the maximum is more than the tail held back, so a reader of a paused body gets here
    if (this.#paused && !this.#verified && this.#unread <= LIMITS.linkUnreadBytesMax / 2) {
      this.#paused = false;
      this.#flow.resume();
    }
    return bytes;
  }

  #drop(): void {
    this.#queue = [];
    this.#unread = 0;
  }
}
