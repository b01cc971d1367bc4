/** Memory and files of another process, from /proc. */

import { readdirSync, readFileSync } from "node:fs";

/** Anonymous resident bytes: what the process itself holds, page cache and program text left out. */
export function residentBytes(pid: number): number {
  const match = /^RssAnon:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Process ids of the children of `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
}
