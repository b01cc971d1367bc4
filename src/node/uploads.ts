/** Main's part of uploads: the outbox, what keeps handing it on, and what of the cache is pinned for it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { parseRelname } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { PinnedFile } from "../cache/pinned-files.ts";
import { handOn } from "../content/hand-on.ts";
import { dropLoosePins, loosePins } from "../content/loose-pins.ts";
import { type Outbox, openOutbox } from "../content/outbox.ts";
import type { OutboxRecord } from "../content/outbox-record.ts";
import type { Parts } from "../content/parts.ts";
import { removeAtOrigin } from "../content/purge-origin.ts";
import { type OutboxRunner, runOutbox } from "../content/run-outbox.ts";
import { isLowest } from "../content/upstream.ts";
import type { Log } from "../observe/log.ts";

export interface Uploads {
  /** Opens the outbox; for `openDiskSet`, which calls it when the directory is ours. */
  readonly pinned: () => readonly PinnedFile[];
  /** After `openDiskSet`. */
  readonly outbox: () => Outbox;
  /** Begins to hand on what waits. */
  start(parts: Parts): void;
  /** See `Outbox`. */
  look(): void;
  trouble(): string | undefined;
  /** A worker has died: what it had pinned for an upload that nobody was told of goes, a while later. */
  lookAfterPins(): void;
  stop(): Promise<void>;
}

/** In the store alone: a node that took it into custody meanwhile hears of the purge itself. */
async function undoUpload(parts: Parts, { relname }: OutboxRecord): Promise<void> {
  const id = parseRelname(relname)?.id;
  if (id !== undefined && isLowest(parts)) await removeAtOrigin(parts, [id]);
}

export function makeUploads(options: { readonly cacheDir: string; readonly log: Log }): Uploads {
  const { cacheDir, log } = options;
  let opened: Outbox | undefined;
  let runner: OutboxRunner | undefined;
  let cache: Cache | undefined;
  const waiting = new Set<Timer>();
  const outbox = (): Outbox => {
    if (opened === undefined) throw new Fault("internal", "the outbox is not open yet");
    return opened;
  };
  return {
    outbox,
    pinned() {
      opened ??= openOutbox({
        dir: join(cacheDir, ".mir", "outbox"),
        log,
        filesChanged: (count) => cache?.chargeFiles(count),
        isKept: (relname) => cache === undefined || existsSync(cache.pathOf(relname)),
        lost: ({ relname }) => {
          cache?.unpin(relname);
          cache?.forget(relname);
        },
      });
      return [...opened.list(), ...opened.aside()];
    },
    start(parts) {
      const { clock, counters } = parts;
      cache = parts.cache;
      runner = runOutbox({
        outbox: outbox(),
        send: (record) => handOn(parts, record),
        done: (record) => void parts.cache.unpin(record.relname),
        undo: (record) => undoUpload(parts, record),
        clock,
        log,
        counters,
      });
    },
    look: () => outbox().look(),
    trouble: () => outbox().trouble(),
    lookAfterPins() {
      if (cache === undefined) return;
      const parts = { outbox: outbox(), cache, log };
      const before = loosePins(parts);
      if (before.size === 0) return;
      const timer = setTimeout(() => {
        waiting.delete(timer);
        dropLoosePins(parts, before);
      }, DEADLINES.loosePinsMs);
      waiting.add(timer);
    },
    async stop() {
      for (const timer of waiting) clearTimeout(timer);
      await runner?.stop();
    },
  };
}
