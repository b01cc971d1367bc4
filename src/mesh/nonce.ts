/** Numbers used once, for hellos. */

/** 16 random bytes as hex; fresh for each connection. */
export function makeNonce(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
