/** Frames out of messages. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import {
  COMMANDS,
  type CommandName,
  FRAME_HEAD_BYTES,
  FRAME_LENGTH,
  JSON_LENGTH_BYTES,
  LITERALS,
} from "./commands.ts";
import type {
  Ack,
  Ask,
  End,
  ErrorMessage,
  Hello,
  HitRecord,
  Proof,
  Purge,
  SaveHeader,
  Warm,
} from "./messages.ts";
import { writeUint } from "./uint.ts";

const utf8 = new TextEncoder();
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The three that never change; shared, so never to be written into. */
export const HEARTBEAT_FRAME: Uint8Array = textFrame("heartbeat", LITERALS.heartbeat);
export const PING_FRAME: Uint8Array = textFrame("ping", LITERALS.ping);
export const PONG_FRAME: Uint8Array = textFrame("pong", LITERALS.pong);

export function encodeRequest(relname: string): Uint8Array {
  return textFrame("request", relname);
}

/** With an owner it is JSON, which only extended peers read. */
export function encodeWarm(warm: Warm): Uint8Array {
  const { relname, owner } = warm;
  return textFrame("warm", owner === undefined ? relname : JSON.stringify({ relname, owner }));
}

/** Hits of one relname are said as legacy peers say them. */
export function encodeRecord({ hits }: HitRecord): Uint8Array {
  const [first] = hits;
  const single = first !== undefined && hits.length === 1;
  const json = single ? { relname: first.relname, hits: first.count } : { hits };
  return textFrame("record", JSON.stringify(json));
}

/** Everything of a `=` frame up to its content, which must be exactly `bodyBytes` long. */
export function encodeSaveHead(header: SaveHeader, bodyBytes: number): Uint8Array {
  return headedFrame("save", header, bodyBytes);
}

/** As `encodeSaveHead`, for `&`. */
export function encodeRebalanceHead(header: SaveHeader, bodyBytes: number): Uint8Array {
  return headedFrame("rebalance", header, bodyBytes);
}

export function encodeHello(hello: Hello): Uint8Array {
  return headedFrame("hello", hello, 0);
}

export function encodeProof(proof: Proof): Uint8Array {
  return headedFrame("hello", proof, 0);
}

export function encodeAsk(ask: Ask): Uint8Array {
  return headedFrame("ask", ask, 0);
}

export function encodeError(error: ErrorMessage): Uint8Array {
  return headedFrame("error", error, 0);
}

export function encodeEnd(end: End): Uint8Array {
  // as JSON.stringify would say it: numbers and hex digits need no escapes
  return headedText("end", `{"bytes":${end.bytes},"xxh64":"${end.xxh64}"}`, 0);
}

export function encodeAck(ack: Ack): Uint8Array {
  return headedFrame("ack", ack, 0);
}

export function encodePurge(purge: Purge): Uint8Array {
  return headedFrame("purge", purge, 0);
}

/** Header of an extended answer. */
export function answerHeader(options: {
  readonly meta: VariantMeta;
  readonly via: string;
  readonly detail: string;
  readonly shape?: SaveHeader["shape"];
  readonly standIn?: boolean | undefined;
  readonly held?: SaveHeader["held"];
  readonly load?: SaveHeader["load"];
  readonly spans?: SaveHeader["spans"];
  readonly variants?: SaveHeader["variants"];
  /** Bytes of the variant before the first one sent. */
  readonly offset: number;
  /** No content follows, whatever the length of the variant. */
  readonly head: boolean;
}): SaveHeader {
  const { meta, offset, head, held, load, spans, variants } = options;
  // what is undefined is not said
  return {
    relname: meta.relname,
    bytes: meta.bytes,
    offset: offset > 0 ? offset : undefined,
    head: head ? true : undefined,
    validator: meta.validator,
    modified: meta.modified,
    facts: meta.facts,
    lossySteps: meta.lossySteps,
    sourceAt: meta.sourceAt,
    via: boundedVia(printable(options.via)),
    detail: printable(options.detail).slice(0, LIMITS.wireDetailCharsMax),
    shape: options.shape,
    standIn: options.standIn === true ? true : undefined,
    held,
    load,
    spans,
    variants,
  };
}

/** Members too many for a header are dropped from the end nearest the origin; the rest stays whole. */
export function boundedVia(via: string): string {
  let kept = via;
  while (kept.length > LIMITS.wireViaCharsMax) {
    const comma = kept.indexOf(",");
    if (comma < 0) return "";
    kept = kept.slice(comma + 1).trimStart();
  }
  return kept;
}

/** The other side refuses what could break a header line or a log. */
export function printable(text: string): string {
  return PRINTABLE.test(text) ? text : text.replace(/[^\x20-\x7e]/g, "?");
}

function textFrame(command: CommandName, text: string): Uint8Array {
  const data = utf8.encode(text);
  const frame = startFrame(command, data.length, data.length);
  frame.set(data, FRAME_HEAD_BYTES);
  return frame;
}

function headedFrame(command: CommandName, header: object, bodyBytes: number): Uint8Array {
  return headedText(command, JSON.stringify(header), bodyBytes);
}

function headedText(command: CommandName, text: string, bodyBytes: number): Uint8Array {
  const json = utf8.encode(text);
  if (json.length > LIMITS.wireJsonBytesMax) {
    throw new Fault("internal", `${command}: ${json.length} bytes of JSON are too many`);
  }
  const headBytes = JSON_LENGTH_BYTES + json.length;
  const frame = startFrame(command, headBytes + bodyBytes, headBytes);
  writeUint(frame, FRAME_HEAD_BYTES, JSON_LENGTH_BYTES, json.length);
  frame.set(json, FRAME_HEAD_BYTES + JSON_LENGTH_BYTES);
  return frame;
}

/** A buffer for `roomBytes` of data with length and command written for `dataBytes` of it. */
function startFrame(command: CommandName, dataBytes: number, roomBytes: number): Uint8Array {
  const { byte, dataBytesMax } = COMMANDS[command];
  if (dataBytes > dataBytesMax) {
    throw new Fault("internal", `${command}: ${dataBytes} bytes of data are too many`);
  }
  const frame = new Uint8Array(FRAME_HEAD_BYTES + roomBytes);
  writeUint(frame, 0, FRAME_LENGTH.bytes, FRAME_LENGTH.commandBytes + dataBytes);
  frame[FRAME_LENGTH.bytes] = byte.charCodeAt(0);
  return frame;
}
