/** Numbers used once, for hellos. */

/** 32 random bytes as hex; fresh for each connection and each side. */
export function makeNonce(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
