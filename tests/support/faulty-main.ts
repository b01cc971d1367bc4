/** The entry file of a node whose worker threads die or hang when a test wants it: everything else is `src/main.ts`. */

import { existsSync } from "node:fs";
import { isMainThread, workerData } from "node:worker_threads";

const LOOK_MS = 10;

/** While `{MIR_TEST_FAULTS}/throw.N` is there, worker N dies as soon as it lives; while `spin.N` is, it hangs. */
function bringFaults(dir: string, worker: number): void {
  setInterval(() => {
    if (existsSync(`${dir}/throw.${worker}`)) throw new Error("thrown by a test");
    while (existsSync(`${dir}/spin.${worker}`));
  }, LOOK_MS);
}

if (!isMainThread) {
  const { worker } = workerData as { readonly worker: number };
  bringFaults(process.env["MIR_TEST_FAULTS"] ?? "/nowhere", worker);
}
await import("../../src/main.ts");
