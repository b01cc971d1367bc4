/** What an eviction policy must do; every call is made under the writer lock. */

export interface Eviction {
  /** A slot became live for the first time. */
  admit(slot: number): void;
  /** Puts a live slot back where its queue byte says, at the end, or at the end that leaves next; for repair and restore. */
  readmit(slot: number, end?: "first" | "last"): void;
  /** Takes a live slot out, without remembering it: it was forgotten, not evicted. */
  remove(slot: number): void;
  /** Chooses the next victim and takes it out; -1 when there is no live slot. */
  victim(): number;
  /** Empties the queues before `readmit`. */
  reset(): void;
}
