/** The file that is to be stored, read on the thread pool in bounded pieces. */

import { type FileHandle, open, stat } from "node:fs/promises";
import { isMissing } from "../base/errno.ts";
import { reclaim } from "../base/reclaim.ts";

const CHUNK_BYTES = 256 * 1024;

/** -1 when there is no such regular file. */
export async function sizeOfLocal(path: string): Promise<number> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : -1;
  } catch (error) {
    if (isMissing(error)) return -1;
    throw error;
  }
}

/** Both digests in one pass. */
export async function digestFile(
  path: string,
): Promise<{ readonly md5: Uint8Array; readonly sha256: string }> {
  const md5 = new Bun.CryptoHasher("md5");
  const sha256 = new Bun.CryptoHasher("sha256");
  await using local = await readLocal(path);
  for (let chunk = await local.next(); chunk.length > 0; chunk = await local.next()) {
    md5.update(chunk);
    sha256.update(chunk);
  }
  return { md5: md5.digest(), sha256: sha256.digest("hex") };
}

export interface LocalFile extends AsyncDisposable {
  /** The next bytes, in a buffer of their own; empty at the end. */
  next(): Promise<Uint8Array>;
  /** Reads as many bytes as are given and compares them. */
  startsWith(expected: Uint8Array): Promise<boolean>;
}

export async function readLocal(path: string): Promise<LocalFile> {
  const handle: FileHandle = await open(path, "r");
  let position = 0;

  const take = async (bytesMax: number): Promise<Uint8Array> => {
    const into = Buffer.allocUnsafe(bytesMax);
    reclaim(bytesMax);
    const { bytesRead } = await handle.read(into, 0, bytesMax, position);
    position += bytesRead;
    return into.subarray(0, bytesRead);
  };

  return {
    next: () => take(CHUNK_BYTES),
    async startsWith(expected) {
      for (let done = 0; done < expected.length; ) {
        const chunk = await take(Math.min(CHUNK_BYTES, expected.length - done));
        if (chunk.length === 0) return false;
        if (!Buffer.from(chunk).equals(expected.subarray(done, done + chunk.length))) return false;
        done += chunk.length;
      }
      return true;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
