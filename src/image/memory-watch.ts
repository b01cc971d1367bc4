/** Looks at the memory of busy image workers, so that one that grows without bound is ended before the machine is. */

import { readFileSync } from "node:fs";
import { DEADLINES } from "../base/deadlines.ts";

/** Of Linux on the processors this runs on. */
const PAGE_BYTES = 4096;

export interface MemoryWatch {
  /** From now on somebody is busy, until the next look finds nobody. */
  wake(): void;
  stop(): void;
}

/** `over` hears of each busy process that has more resident bytes than allowed, once a look. */
export function watchMemory<T extends { readonly pid: number }>(options: {
  readonly busy: () => Iterable<T>;
  readonly bytesMax: number;
  readonly over: (child: T, bytes: number) => void;
}): MemoryWatch {
  const { busy, bytesMax, over } = options;
  let timer: ReturnType<typeof setInterval> | undefined;

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  const look = (): void => {
    const children = [...busy()];
    if (children.length === 0) stop();
    for (const child of children) {
      const bytes = residentBytes(child.pid);
      if (bytes > bytesMax) over(child, bytes);
    }
  };

  return {
    wake() {
      timer ??= setInterval(look, DEADLINES.imageMemoryMs);
    },
    stop,
  };
}

/** 0 where it cannot be told. */
function residentBytes(pid: number): number {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
    return Number(pages) * PAGE_BYTES;
  } catch {
    // it has just ended, or this kernel has no /proc
    return 0;
  }
}
