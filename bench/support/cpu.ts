/** CPU that processes have used, threads and waited-for children left out, from /proc. */

import { readFileSync } from "node:fs";

/** Clock ticks a second; fixed at 100 on Linux for what /proc tells. */
const TICKS = 100;

export interface Cpu {
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** Sum over the processes. */
export function cpuOf(pids: readonly number[]): Cpu {
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    user += Number(fields[11]);
    system += Number(fields[12]);
  }
  return { userSeconds: user / TICKS, systemSeconds: system / TICKS };
}

/** Microseconds an answer, over all processes. */
export function microsecondsEach(
  before: Cpu,
  after: Cpu,
  answers: number,
): { readonly user: number; readonly system: number; readonly total: number } {
  const user = ((after.userSeconds - before.userSeconds) * 1e6) / answers;
  const system = ((after.systemSeconds - before.systemSeconds) * 1e6) / answers;
  return { user, system, total: user + system };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Of one processor. */
export function percentOf(before: Cpu | undefined, after: Cpu, seconds: number): number {
  const used = (cpu: Cpu): number => cpu.userSeconds + cpu.systemSeconds;
  return ((used(after) - (before ? used(before) : 0)) / seconds) * 100;
}
