/** A body that is read once from its source and handed to several readers of this worker. */

import type { Body } from "../base/body.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";

/** Bytes that the shared bodies of one worker hold together. */
export interface SharedRoom {
  /** `beyond`: also when there is none. */
  take(bytes: number, beyond?: boolean): boolean;
  give(bytes: number): void;
}

export function makeSharedRoom(bytesMax: number = LIMITS.sharedBodiesBytesMax): SharedRoom {
  let taken = 0;
  return {
    take(bytes, beyond = false) {
      if (taken + bytes > bytesMax && !beyond) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
  };
}

interface Held {
  readonly bytes: Uint8Array;
  /** Readers who still have to read it. */
  readers: number;
}

export interface SharedBodyOptions {
  readonly source: Body;
  readonly room: SharedRoom;
  /** Bytes held of it: a reader that is further behind the first one goes on by itself. */
  readonly windowBytes: number;
  /** The rest, from `offset` on, for a reader that was left behind. Rejects with a Fault. */
  readonly goOn: (offset: number) => Promise<Body>;
  /** Nobody can begin to read it any more. */
  readonly onClosed: () => void;
}

/**
 * The quickest reader pulls; what it has read is held for the others, and for who begins while all of it is
 * still there. Nobody waits for a slower one, and who leaves leaves alone: the source is given back by the last.
 */
export class SharedBody {
  readonly #options: SharedBodyOptions;
  readonly #chunks: Held[] = [];
  readonly #readers = new Set<Reader>();
  /** Number of the first chunk that is still held. */
  #first = 0;
  #heldBytes = 0;
  #open = true;
  #ended = false;
  #fault: Fault | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: SharedBodyOptions) {
    this.#options = options;
  }

  /** A reader from the first byte; undefined when that is gone. */
  attach(): Body | undefined {
    if (!this.#open) return undefined;
    const reader = new Reader(this);
    this.#readers.add(reader);
    for (const held of this.#chunks) held.readers++;
    return reader;
  }

  get goOn(): SharedBodyOptions["goOn"] {
    return this.#options.goOn;
  }

  /** The next chunk of that reader, "gone" when it is not held any more, undefined after the end. */
  async chunk(reader: Reader): Promise<Uint8Array | "gone" | undefined> {
    while (reader.next === this.#first + this.#chunks.length) {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#ended) return undefined;
      this.#reading ??= this.#readOn();
      await this.#reading;
      if (!this.#readers.has(reader)) throw new Fault("peer_failed", "the reader gave up");
    }
    const held = this.#chunks[reader.next - this.#first];
    if (held === undefined) return "gone";
    reader.next++;
    held.readers--;
    this.#tidy();
    return held.bytes;
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    for (let i = Math.max(0, reader.next - this.#first); i < this.#chunks.length; i++) {
      const held = this.#chunks[i];
      if (held !== undefined) held.readers--;
    }
    if (this.#readers.size > 0) {
      this.#tidy();
      return;
    }
    this.#close();
    while (this.#chunks.length > 0) this.#drop();
    if (!this.#ended && this.#fault === undefined) {
      this.#fault = new Fault("peer_failed", "nobody reads it any more");
      this.#options.source.cancel();
    }
  }

  async #readOn(): Promise<void> {
    try {
      const chunk = await this.#options.source.read();
      if (this.#readers.size === 0) return;
      if (chunk === undefined) this.#end();
      // it is valid until the next read only, and others read it later
      else this.#hold(chunk.slice());
    } catch (error) {
      this.#fault ??= asFault(error);
      this.#close();
    } finally {
      this.#reading = undefined;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#close();
  }

  #hold(bytes: Uint8Array): void {
    const { room, windowBytes } = this.#options;
    const fits = this.#heldBytes + bytes.length <= windowBytes && room.take(bytes.length);
    if (!fits) {
      this.#close();
      // who is too far behind goes on alone
      while (this.#chunks.length > 0 && this.#heldBytes + bytes.length > windowBytes) this.#drop();
      while (this.#chunks.length > 0 && !room.take(bytes.length)) this.#drop();
      if (this.#chunks.length === 0) room.take(bytes.length, true);
    }
    this.#chunks.push({ bytes, readers: this.#readers.size });
    this.#heldBytes += bytes.length;
  }

  /** Lets go of what everybody has read, once nobody can begin any more. */
  #tidy(): void {
    while (!this.#open && this.#chunks[0]?.readers === 0) this.#drop();
  }

  #drop(): void {
    const held = this.#chunks.shift();
    if (held === undefined) return;
    this.#first++;
    this.#heldBytes -= held.bytes.length;
    this.#options.room.give(held.bytes.length);
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tidy();
    this.#options.onClosed();
  }
}

class Reader implements Body {
  readonly #shared: SharedBody;
  /** Number of the chunk it reads next. */
  next = 0;
  #position = 0;
  #alone: Body | undefined;
  #left = false;

  constructor(shared: SharedBody) {
    this.#shared = shared;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#left) throw new Fault("peer_failed", "the reader gave up");
    if (this.#alone !== undefined) return this.#alone.read();
    const chunk = await this.#shared.chunk(this);
    if (chunk === "gone") return this.#goOnAlone();
    if (chunk === undefined) {
      this.#shared.leave(this);
      return undefined;
    }
    this.#position += chunk.length;
    return chunk;
  }

  cancel(): void {
    this.#left = true;
    this.#alone?.cancel();
    this.#shared.leave(this);
  }

  async #goOnAlone(): Promise<Uint8Array | undefined> {
    this.#shared.leave(this);
    const alone = await this.#shared.goOn(this.#position);
    if (this.#left) {
      alone.cancel();
      throw new Fault("peer_failed", "the reader gave up");
    }
    this.#alone = alone;
    return alone.read();
  }
}
