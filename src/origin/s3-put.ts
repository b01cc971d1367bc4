/** One PUT of a file into an S3 store: its bytes as the sockets take them, its length and digest beside them. */

import { readLocal } from "./local-file.ts";
import type { OriginWaits } from "./port.ts";
import type { Exchange, Reply } from "./s3-exchange.ts";
import { badOrigin, type LocalOriginal, tooSlow } from "./store.ts";

/**
 * The store checks the digest before it keeps anything. 900 MB at the pace of a slow store took 33 MB of memory,
 * since the file is only read as `fetch` asks for more.
 */
export async function putByFetch(options: {
  readonly exchange: Exchange;
  readonly url: string;
  readonly path: string;
  readonly file: LocalOriginal;
  readonly waits: OriginWaits;
  readonly waitMs: number;
}): Promise<Reply> {
  const { exchange, url, path, file, waits, waitMs } = options;
  const abort = new AbortController();
  await using local = await readLocal(file.path);
  const hasher = new Bun.CryptoHasher("md5");
  let left = file.bytes;
  let stalled = false;
  const alarm = makeAlarm(() => {
    stalled = true;
    abort.abort();
  });
  alarm.set(waits.headMs);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (left === 0) return controller.close();
      const chunk = await local.next();
      left -= chunk.length;
      hasher.update(chunk);
      // before its last bytes are sent: a store that checks no digest must not get all of something else
      const same = left > 0 || (left === 0 && hasher.digest().equals(Buffer.from(file.md5)));
      if (chunk.length === 0 || !same) throw badOrigin("the file changed while it was sent");
      alarm.set(left === 0 ? waits.storedMs : waits.stallMs);
      controller.enqueue(chunk);
      if (left === 0) controller.close();
    },
  });
  const headers = {
    "content-length": String(file.bytes),
    "content-md5": Buffer.from(file.md5).toString("base64"),
  };
  try {
    return await exchange.ask({
      method: "PUT",
      url,
      path,
      waitMs,
      abort,
      upload: { body, headers },
    });
  } catch (error) {
    throw stalled ? tooSlow() : error;
  } finally {
    alarm.clear();
  }
}

function makeAlarm(ring: () => void): { set(ms: number): void; clear(): void } {
  let timer: Timer | undefined;
  return {
    set(ms) {
      clearTimeout(timer);
      timer = setTimeout(ring, ms);
    },
    clear: () => clearTimeout(timer),
  };
}
