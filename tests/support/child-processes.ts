/** The child processes of a process, as /proc tells. */

import { readdirSync, readFileSync } from "node:fs";

/** Pids of living children whose command line contains `word`. */
export function childrenOf(parent: number, word: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      if (!(pid > 0)) return false;
      const { parent: found, state } = statOf(pid);
      return found === parent && state !== "Z" && commandOf(pid).includes(word);
    });
}

/** Not there, or only waiting to be reaped. */
export function isGone(pid: number): boolean {
  return ["", "Z", "X"].includes(statOf(pid).state);
}

/** Nice value of the process's first thread. */
export function niceOf(pid: number): number {
  return statOf(pid).nice;
}

/** Scheduling class of the process's first thread: 0 is that of everything, 5 what runs when nothing else wants to. */
export function schedulingOf(pid: number): number | undefined {
  return statOf(pid).scheduling;
}

function commandOf(pid: number): string {
  return readOrNothing(`/proc/${pid}/cmdline`);
}

function statOf(pid: number) {
  const text = readOrNothing(`/proc/${pid}/stat`);
  // the second field is a name in parentheses that may hold anything
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent, nice, scheduling] = [fields[1], fields[16], fields[38]].map(Number);
  return { state: fields[0] ?? "", parent: parent ?? 0, nice: nice ?? 0, scheduling };
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
