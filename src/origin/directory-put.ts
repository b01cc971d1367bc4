/** Puts a file into a directory so that it is there whole and durably, or not at all. */

import { link, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { Clock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { LOCAL_CHUNK_BYTES, readLocal } from "./local-file.ts";
import { badOrigin, type LocalOriginal, within } from "./store.ts";

/** What a node left behind that died while it wrote is removed by the next one that puts into the same folder. */
const LEFT_BEHIND_MS = 24 * 3_600_000;
const TEMP_NAME = /^\..+\.part$/;

/** "exists" when another node has put the name meanwhile: nothing is ever replaced. */
export async function putFile(
  target: string,
  options: {
    readonly file: LocalOriginal;
    /** The folders from here down to the file are made durable too. */
    readonly root: string;
    readonly waitMs: number;
    readonly stallMs: number;
    readonly clock: Clock;
  },
): Promise<"stored" | "exists"> {
  const { file, root, clock } = options;
  const endAt = clock.monotonicMs() + options.waitMs;
  const leftMs = (): number => endAt - clock.monotonicMs();
  const inTime = <T>(work: Promise<T>): Promise<T> => within(leftMs(), work);
  const folder = dirname(target);
  await inTime(stat(root));
  await inTime(mkdir(folder, { recursive: true }));
  await inTime(removeLeftBehind(folder));
  const temp = join(folder, `.${basename(target)}.${crypto.randomUUID()}.part`);
  try {
    await copyDurably(file, temp, { leftMs, stallMs: options.stallMs });
    const result = await inTime(moveIn(temp, target));
    for (let at = folder; ; at = dirname(at)) {
      await inTime(syncFolder(at));
      if (relative(root, at) === "") return result;
    }
  } finally {
    await unlink(temp).catch(() => {
      // renamed, or never made
    });
  }
}

async function copyDurably(
  file: LocalOriginal,
  temp: string,
  waits: { readonly leftMs: () => number; readonly stallMs: number },
): Promise<void> {
  const waitMs = (): number => Math.min(waits.leftMs(), waits.stallMs);
  await using local = await readLocal(file.path);
  const handle = await open(temp, "wx", 0o644);
  const hasher = new Bun.CryptoHasher("md5");
  const into = Buffer.allocUnsafe(LOCAL_CHUNK_BYTES);
  try {
    for (;;) {
      const chunk = await within(waitMs(), local.next(into));
      if (chunk.length === 0) break;
      for (let done = 0; done < chunk.length; ) {
        const part = await within(waitMs(), handle.write(chunk, done, chunk.length - done));
        done += part.bytesWritten;
      }
      hasher.update(chunk);
    }
    if (!hasher.digest().equals(Buffer.from(file.md5))) {
      throw badOrigin("the file changed while it was stored");
    }
    await within(waits.leftMs(), handle.sync());
  } finally {
    // what counts was synced, and closing may wait for a dead mount
    handle.close().catch(() => {});
  }
}

/** A hard link fails where the name exists; some file systems have none, there the rename must do. */
async function moveIn(temp: string, target: string): Promise<"stored" | "exists"> {
  try {
    await link(temp, target);
    return "stored";
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EEXIST") return "exists";
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EMLINK") {
      throw error;
    }
  }
  await rename(temp, target);
  return "stored";
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeLeftBehind(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TEMP_NAME.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < LEFT_BEHIND_MS) continue;
    await unlink(path).catch(() => {
      // another node was faster
    });
  }
}
