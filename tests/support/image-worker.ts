/** Entry of an image worker for tests of the pool: what `main.ts` does with its first argument `image-worker`. */

import { runImageWorker } from "../../src/image/worker-process.ts";

await runImageWorker();
