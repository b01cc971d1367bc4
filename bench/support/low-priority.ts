/** Work that yields to all other: processes that only spin, and this one's own threads. */

import { readdirSync } from "node:fs";
import { setPriority } from "node:os";

export const LOWEST = 19;

/** As many processes that do nothing else, until it is disposed. Resolves when they have had time to start. */
export async function startSpinners(count: number): Promise<AsyncDisposable> {
  const spinners = Array.from({ length: count }, () =>
    Bun.spawn(["nice", "-n", String(LOWEST), process.execPath, "-e", "for (;;);"], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  await Bun.sleep(300);
  return {
    async [Symbol.asyncDispose]() {
      for (const spinner of spinners) spinner.kill("SIGKILL");
      await Promise.all(spinners.map((spinner) => spinner.exited));
    },
  };
}

/** All threads of this process, those of its connections too. Only root may take back what it gave up. */
export function yieldTo(priority: number): void {
  if (process.getuid?.() !== 0) return;
  for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), priority);
}
