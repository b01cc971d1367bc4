/** Proofs that both ends of a connection know the same control key (spec §3). */

import { createHmac, timingSafeEqual } from "node:crypto";
import { Fault } from "../base/fault.ts";
import type { Hello } from "../wire/messages.ts";

/** One side could not prove that it may speak; the connection is closed. */
export class AuthRefused extends Fault {
  constructor(told: string) {
    super("peer_failed", told);
  }
}

/** What both hellos said, from the dialler's and from the listener's mouth. */
export interface Hellos {
  readonly dialler: Hello;
  readonly listener: Hello;
}

/** The text makes a listener's proof worthless in a dialler's mouth and the other way round. */
const ROLES = { dialler: "mir dialler", listener: "mir listener" } as const;
const KEY_ID_OF = "mir key id";
const KEY_ID_BYTES = 8;

/** 16 hex digits that tell keys apart and tell nothing of them. */
export function keyId(key: string): string {
  return createHmac("sha256", key)
    .update(KEY_ID_OF)
    .digest()
    .subarray(0, KEY_ID_BYTES)
    .toString("hex");
}

/**
 * 64 hex digits: HMAC-SHA-256 over the role, the dialler's and the listener's nonce, then of each in the same
 * order name, epoch and version, texts with two bytes of length in front. Both nonces are fresh, so that
 * nothing that was overheard can be said again.
 */
export function proofOf(role: keyof typeof ROLES, key: string, hellos: Hellos): string {
  const { dialler, listener } = hellos;
  const mac = createHmac("sha256", key).update(ROLES[role]);
  for (const { nonce } of [dialler, listener]) mac.update(Buffer.from(nonce, "hex"));
  for (const { name, epoch, version } of [dialler, listener]) {
    for (const text of [name, epoch]) mac.update(uint16(Buffer.byteLength(text))).update(text);
    mac.update(uint16(version));
  }
  return mac.digest("hex");
}

/** In a time that does not depend on where they differ. */
export function sameProof(told: string, expected: string): boolean {
  const [a, b] = [Buffer.from(told, "hex"), Buffer.from(expected, "hex")];
  return a.length === b.length && timingSafeEqual(a, b);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
