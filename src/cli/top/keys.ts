/** What keys mean to `mir top`. */

export type Key = "quit" | "up" | "down" | "first" | "last" | "help";

const KEYS: Readonly<Record<string, Key>> = {
  q: "quit",
  Q: "quit",
  "\x03": "quit",
  "\x04": "quit",
  "\x1b[A": "up",
  "\x1bOA": "up",
  k: "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  j: "down",
  "\x1b[H": "first",
  g: "first",
  "\x1b[F": "last",
  G: "last",
  "?": "help",
  h: "help",
};

/** Several may come at once; a sequence that means nothing here is passed over whole. */
export function keysIn(bytes: string): readonly Key[] {
  const pieces = bytes.match(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])?|[^\x1b]/g) ?? [];
  return pieces.flatMap((piece) => (Object.hasOwn(KEYS, piece) ? (KEYS[piece] ?? []) : []));
}
