/** Unsigned integers of 3 and 5 bytes, as the frames carry them. */

import { FRAME_LENGTH } from "./commands.ts";

/** Exact up to 6 bytes; read by multiplication, since shifts end at 32 bits. */
export function readUint(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) {
    const digit = FRAME_LENGTH.littleEndian ? width - 1 - i : i;
    value = value * 256 + (bytes[at + digit] ?? 0);
  }
  return value;
}

export function writeUint(bytes: Uint8Array, at: number, width: number, value: number): void {
  let rest = value;
  for (let i = width - 1; i >= 0; i--) {
    bytes[at + (FRAME_LENGTH.littleEndian ? width - 1 - i : i)] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
