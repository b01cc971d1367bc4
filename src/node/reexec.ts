/** Starts the process again in place with the environment the runtime reads only at its start (design decision 16). */

const MARK = "MIR_STARTED";

/** What an operator has set stays as it is. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  // bounds async file work of all threads
  UV_THREADPOOL_SIZE: "8",
  // bounds what the allocator of native libraries keeps
  MALLOC_ARENA_MAX: "2",
  // for the origin's connections
  BUN_CONFIG_MAX_HTTP_REQUESTS: "1024",
  // between two collections of all objects a heap grows by two fifths, 16 MiB at least, however much memory the
  // machine has; the runtime would let it double, and counts the shared tables in the heap of each thread (ADR 0030)
  BUN_JSC_heapGrowthFunctionThresholdInMB: "0",
  BUN_JSC_heapGrowthMaxIncrease: "0.4",
  BUN_JSC_largeHeapSize: String(16 << 20),
};

/** Replaces this process by itself, same pid, unless that has been done. */
export function reexecOnce(execPath: string, argv: readonly string[]): void {
  if (process.env[MARK] === String(process.pid)) return;
  const env = { ...ENVIRONMENT, ...process.env, [MARK]: String(process.pid) };
  process.execve?.(execPath, [execPath, ...argv], env as NodeJS.ProcessEnv);
}

/** How to run this program again: the executable itself, or the runtime with the entry file. */
export function selfCommand(): { readonly execPath: string; readonly args: readonly string[] } {
  const args = Bun.isStandaloneExecutable ? [] : [Bun.main];
  return { execPath: process.execPath, args };
}

/** First argument of an image worker process. */
export const IMAGE_WORKER = "image-worker";
