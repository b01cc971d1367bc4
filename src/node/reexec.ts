/** Starts the process again in place with the environment the runtime reads only at its start (design decision 16). */

const MARK = "MIR_STARTED";

/**
 * Replaces this process by itself, same pid, unless that has been done. The pool size bounds async
 * file work of all threads; two malloc arenas bound what the allocator keeps; the request bound is
 * for the origin's connections.
 */
export function reexecOnce(execPath: string, argv: readonly string[]): void {
  if (process.env[MARK] === String(process.pid)) return;
  const env = {
    ...process.env,
    [MARK]: String(process.pid),
    UV_THREADPOOL_SIZE: process.env["UV_THREADPOOL_SIZE"] ?? "8",
    MALLOC_ARENA_MAX: process.env["MALLOC_ARENA_MAX"] ?? "2",
    BUN_CONFIG_MAX_HTTP_REQUESTS: process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"] ?? "1024",
  };
  process.execve?.(execPath, [execPath, ...argv], env as NodeJS.ProcessEnv);
}

/** How to run this program again: the executable itself, or the runtime with the entry file. */
export function selfCommand(): { readonly execPath: string; readonly args: readonly string[] } {
  const args = Bun.isStandaloneExecutable ? [] : [Bun.main];
  return { execPath: process.execPath, args };
}

/** First argument of an image worker process. */
export const IMAGE_WORKER = "image-worker";
