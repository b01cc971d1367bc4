/** Long work in pieces, between which what has arrived meanwhile goes first. */

/**
 * Resolves once the sockets were looked at and what they had was handled. `setImmediate` resolves before they are (Bun
 * 1.4.5): hits would wait as if it were one piece.
 */
export function nextTurn(): Promise<void> {
  return Bun.sleep(0);
}
