/** Whether bytes of answers still wait to be taken by their clients, as the kernel tells. */

import { readFileSync } from "node:fs";

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"] as const;
/** ESTABLISHED and CLOSE_WAIT: the process still holds the socket; later states are the kernel's alone. */
const HELD = new Set(["01", "08"]);

/**
 * Of connections to a local TCP port. Where the kernel's queue is empty, whatever the process had to send is in it
 * or gone; while it is not, the process itself may hold more. False where the system does not tell.
 */
export function hasUnsent(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return TABLES.some((table) => linesOf(table).some((line) => isWaiting(line, suffix)));
}

/** Fields: number, local address, remote address, state, `tx_queue:rx_queue` in hex, and more. */
function isWaiting(line: string, suffix: string): boolean {
  if (!line.includes(suffix)) return false;
  const [, local = "", , state = "", queues = ""] = line.trim().split(/\s+/, 5);
  if (!local.endsWith(suffix) || !HELD.has(state)) return false;
  return Number.parseInt(queues.split(":", 1)[0] ?? "", 16) > 0;
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
