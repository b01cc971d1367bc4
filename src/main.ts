/** The one entry file: main thread, worker threads and image workers all begin here (design decision 3). */

import { isMainThread } from "node:worker_threads";
import { isBenchThread, runBenchThread } from "./cli/bench/thread.ts";
import { runCli } from "./cli/run.ts";
import { runImageWorker } from "./image/worker-process.ts";
import { IMAGE_WORKER } from "./node/reexec.ts";
import { runWorkerThread } from "./node/worker-thread.ts";

// `import.meta.main` is true in worker threads of an executable, so it tells nothing (bun-facts §1)
if (!isMainThread) {
  await (isBenchThread() ? runBenchThread() : runWorkerThread());
} else if (process.argv.at(2) === IMAGE_WORKER) {
  await runImageWorker();
} else {
  await runCli(process.argv.slice(2));
}
