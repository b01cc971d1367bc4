/** The commands of the control protocol: one table of bytes, limits and shapes (spec §3). */

import { LIMITS } from "../base/limits.ts";

/** Of the extended protocol; told in the hello. */
export const PROTOCOL_VERSION = 1;

/** How a frame says its length; why, is in docs/decisions/0001-frame-length.md. */
export const FRAME_LENGTH: {
  readonly bytes: number;
  readonly littleEndian: boolean;
  /** Bytes of the command that the length counts: 1 is "command + data", 0 would be "data". */
  readonly commandBytes: 0 | 1;
} = { bytes: 5, littleEndian: false, commandBytes: 1 };

/** Bytes of the field in front of a JSON header that says how long it is. */
export const JSON_LENGTH_BYTES = 3;

/** Bytes of length and command together. */
export const FRAME_HEAD_BYTES = FRAME_LENGTH.bytes + 1;

/**
 * `literal` and `relname`: data is text. `json`: data is JSON. `headed`: 3-byte JSON length + JSON.
 * `headed-body`: the same, followed by content that is never buffered.
 */
export type Shape = "literal" | "relname" | "json" | "headed" | "headed-body";

interface CommandKind {
  /** The command byte as a character. */
  readonly byte: string;
  readonly shape: Shape;
  /** Data bytes (without length and command); checked before anything is allocated. */
  readonly dataBytesMax: number;
  /** Not one of the original eight. */
  readonly extension: boolean;
}

const HEADED_BYTES_MAX = JSON_LENGTH_BYTES + LIMITS.wireJsonBytesMax;
const BODY_BYTES_MAX = HEADED_BYTES_MAX + LIMITS.wireBodyBytesMax;

export const LITERALS = { heartbeat: "HEARTBEAT", ping: "PING", pong: "PONG" } as const;

export const COMMANDS = {
  heartbeat: original("#", "literal", LITERALS.heartbeat.length),
  ping: original("^", "literal", LITERALS.ping.length),
  pong: original("*", "literal", LITERALS.pong.length),
  request: original("+", "relname", LIMITS.wireRelnameBytesMax),
  save: original("=", "headed-body", BODY_BYTES_MAX),
  record: original("@", "json", LIMITS.wireRecordBytesMax),
  warm: original("-", "relname", LIMITS.wireWarmBytesMax),
  rebalance: original("&", "headed-body", BODY_BYTES_MAX),
  hello: extension("!"),
  ask: extension("?"),
  error: extension("~"),
  end: extension("."),
  ack: extension("%"),
  purge: extension("x"),
} as const satisfies Record<string, CommandKind>;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

const BY_BYTE: (CommandName | undefined)[] = Array.from({ length: 256 });
for (const name of COMMAND_NAMES) BY_BYTE[COMMANDS[name].byte.charCodeAt(0)] = name;

/** The command a byte stands for; undefined for a byte that is none. */
export function commandOf(byte: number): CommandName | undefined {
  return BY_BYTE[byte];
}

function original<const B extends string>(
  byte: B,
  shape: Shape,
  dataBytesMax: number,
): CommandKind & { readonly byte: B } {
  return { byte, shape, dataBytesMax, extension: false };
}

function extension<const B extends string>(byte: B): CommandKind & { readonly byte: B } {
  return { byte, shape: "headed", dataBytesMax: HEADED_BYTES_MAX, extension: true };
}
