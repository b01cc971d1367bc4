/** Messages out of a stream of bytes that arrives in arbitrary pieces. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  COMMANDS,
  type CommandName,
  commandOf,
  FRAME_HEAD_BYTES,
  FRAME_LENGTH,
  JSON_LENGTH_BYTES,
} from "./commands.ts";
import type { Message } from "./messages.ts";
import { parseHeaded, parsePlain } from "./parse.ts";
import { readUint } from "./uint.ts";

/** A message, or content of the Save or Rebalance before it: its bytes in pieces, then `bodyEnd`. */
export type Piece =
  | Message
  /** A view of what came in, never empty. */
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "bodyEnd" };

/** What is being waited for within a frame. */
type Stage = "head" | "data" | "jsonLength" | "json" | "body";

const NOTHING = new Uint8Array(0);
/** A tail's buffer grows from here to what has really come, so that a claim alone costs nothing. */
const HELD_BYTES_MIN = 64;
/** Larger ones are not kept for the next tail. */
const HELD_BYTES_KEPT = 1024;

/**
 * Feed what the socket gave, then call `next` until it is undefined. Only a message cut by the end of a
 * chunk is copied. Once `next` has thrown its Fault `bad_frame` the stream has no meaning any more and
 * every further call throws it again.
 */
export class Decoder {
  #chunks: Uint8Array[] = [];
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  #held: Uint8Array = NOTHING;
  #heldBytes = 0;
  #stage: Stage = "head";
  #command: CommandName = "heartbeat";
  /** Data bytes of the frame that have not been taken yet. */
  #left = 0;
  #jsonBytes = 0;
  #broken: Fault | undefined;

  feed(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(bytes);
  }

  /** A frame has begun and its last byte has not been taken. */
  get midFrame(): boolean {
    return this.#stage !== "head" || this.#heldBytes > 0;
  }

  /** Bytes fed and not yet looked at are waiting. */
  get waiting(): boolean {
    return this.#at < this.#chunk.length || this.#chunks.length > 0;
  }

  next(): Piece | undefined {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof Fault) this.#broken = error;
      throw error;
    }
  }

  #next(): Piece | undefined {
    for (;;) {
      if (this.#stage === "body") return this.#body();
      if (this.#stage === "head" && this.#headAtHand()) continue;
      const piece = this.#take(this.#wanted());
      if (piece === undefined) return undefined;
      const message = this.#advance(piece);
      if (message !== undefined) return message;
    }
  }

  /** Reads a head, and the length of its JSON, where they lie: nearly always a frame begins in one chunk. */
  #headAtHand(): boolean {
    if (this.#heldBytes > 0 || !this.#ready()) return false;
    const chunk = this.#chunk;
    const at = this.#at;
    if (chunk.length - at < FRAME_HEAD_BYTES + JSON_LENGTH_BYTES) return false;
    this.#at = at + FRAME_HEAD_BYTES;
    this.#readHead(chunk, at);
    if (this.#stage !== "jsonLength") return true;
    this.#at += JSON_LENGTH_BYTES;
    this.#readJsonLength(chunk, at + FRAME_HEAD_BYTES);
    return true;
  }

  #wanted(): number {
    if (this.#stage === "head") return FRAME_HEAD_BYTES;
    if (this.#stage === "jsonLength") return JSON_LENGTH_BYTES;
    return this.#stage === "json" ? this.#jsonBytes : this.#left;
  }

  /** One step on, with all the bytes the stage wanted. */
  #advance(bytes: Uint8Array): Message | undefined {
    switch (this.#stage) {
      case "head":
        this.#readHead(bytes, 0);
        return undefined;
      case "jsonLength":
        this.#readJsonLength(bytes, 0);
        return undefined;
      case "json":
        return this.#readJson(bytes);
      default:
        this.#stage = "head";
        return parsePlain(this.#command, bytes);
    }
  }

  #readHead(head: Uint8Array, at: number): void {
    const byte = head[at + FRAME_LENGTH.bytes] ?? 0;
    const command = commandOf(byte);
    if (command === undefined) {
      throw new Fault("bad_frame", `unknown command 0x${byte.toString(16).padStart(2, "0")}`);
    }
    const dataBytes = readUint(head, at, FRAME_LENGTH.bytes) - FRAME_LENGTH.commandBytes;
    const { dataBytesMax, shape } = COMMANDS[command];
    if (dataBytes < 0) throw new Fault("bad_frame", `${command}: a length of nothing`);
    if (dataBytes > dataBytesMax) {
      throw new Fault("bad_frame", `${command}: ${dataBytes} bytes, at most ${dataBytesMax}`);
    }
    const headed = shape === "headed" || shape === "headed-body";
    if (headed && dataBytes < JSON_LENGTH_BYTES) {
      throw new Fault("bad_frame", `${command}: no room for a header`);
    }
    this.#command = command;
    this.#left = dataBytes;
    this.#stage = headed ? "jsonLength" : "data";
  }

  #readJsonLength(bytes: Uint8Array, at: number): void {
    const jsonBytes = readUint(bytes, at, JSON_LENGTH_BYTES);
    this.#left -= JSON_LENGTH_BYTES;
    const body = COMMANDS[this.#command].shape === "headed-body";
    if (jsonBytes > LIMITS.wireJsonBytesMax || jsonBytes > this.#left) {
      throw new Fault("bad_frame", `${this.#command}: ${jsonBytes} bytes of JSON are too many`);
    }
    if (!body && jsonBytes !== this.#left) {
      throw new Fault("bad_frame", `${this.#command}: bytes after its JSON`);
    }
    if (this.#left - jsonBytes > LIMITS.wireBodyBytesMax) {
      throw new Fault("bad_frame", `${this.#command}: a body of ${this.#left - jsonBytes} bytes`);
    }
    this.#jsonBytes = jsonBytes;
    this.#stage = "json";
  }

  #readJson(json: Uint8Array): Message {
    this.#left -= json.length;
    const message = parseHeaded(this.#command, json, this.#left);
    this.#stage = COMMANDS[this.#command].shape === "headed-body" ? "body" : "head";
    return message;
  }

  #body(): Piece | undefined {
    if (this.#left === 0) {
      this.#stage = "head";
      return { kind: "bodyEnd" };
    }
    if (!this.#ready()) return undefined;
    const end = Math.min(this.#chunk.length, this.#at + this.#left);
    const bytes = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    this.#left -= bytes.length;
    return { kind: "body", bytes };
  }

  /** Whether there is a byte to look at; steps on to the next chunk. */
  #ready(): boolean {
    while (this.#at === this.#chunk.length) {
      const chunk = this.#chunks.shift();
      this.#chunk = chunk ?? NOTHING;
      this.#at = 0;
      if (chunk === undefined) return false;
    }
    return true;
  }

  /** Exactly `bytes` bytes, valid until the next call; undefined while they have not all come. */
  #take(bytes: number): Uint8Array | undefined {
    if (bytes === 0) return NOTHING;
    while (this.#ready()) {
      const end = this.#at + bytes - this.#heldBytes;
      const part = this.#chunk.subarray(this.#at, end);
      this.#at += part.length;
      if (part.length === bytes) return part;
      this.#hold(part, bytes);
      if (this.#heldBytes === bytes) return this.#letGo();
    }
    return undefined;
  }

  #hold(part: Uint8Array, bytesMax: number): void {
    const bytes = this.#heldBytes + part.length;
    if (bytes > this.#held.length) {
      const room = Math.min(Math.max(bytes, this.#held.length * 2, HELD_BYTES_MIN), bytesMax);
      const grown = new Uint8Array(Math.max(room, HELD_BYTES_MIN));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  #letGo(): Uint8Array {
    const whole = this.#held.subarray(0, this.#heldBytes);
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = NOTHING;
    this.#heldBytes = 0;
    return whole;
  }
}
