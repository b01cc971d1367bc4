/** The file that is to be stored, read on the thread pool in bounded pieces. */

import { type FileHandle, open, stat } from "node:fs/promises";
import { isMissing } from "../base/errno.ts";
import { reclaim } from "../base/reclaim.ts";

/** Bytes read at a time. */
export const LOCAL_CHUNK_BYTES = 256 * 1024;

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
  const into = Buffer.allocUnsafe(LOCAL_CHUNK_BYTES);
  for (;;) {
    const chunk = await local.next(into);
    if (chunk.length === 0) break;
    md5.update(chunk);
    sha256.update(chunk);
  }
  return { md5: md5.digest(), sha256: sha256.digest("hex") };
}

export interface LocalFile extends AsyncDisposable {
  /** The next bytes, a view of `into`, or else in a buffer of their own; empty at the end. */
  next(into?: Buffer): Promise<Uint8Array>;
  /** Reads as many bytes as are given and compares them. */
  startsWith(expected: Uint8Array): Promise<boolean>;
}

export async function readLocal(path: string): Promise<LocalFile> {
  const handle: FileHandle = await open(path, "r");
  let position = 0;

  const take = async (into: Buffer): Promise<Uint8Array> => {
    const { bytesRead } = await handle.read(into, 0, into.length, position);
    position += bytesRead;
    return into.subarray(0, bytesRead);
  };
  const fresh = (bytes: number): Buffer => {
    reclaim(bytes);
    return Buffer.allocUnsafe(bytes);
  };

  return {
    next: (into = fresh(LOCAL_CHUNK_BYTES)) => take(into),
    async startsWith(expected) {
      const into = Buffer.allocUnsafe(Math.min(LOCAL_CHUNK_BYTES, expected.length));
      for (let done = 0; done < expected.length; ) {
        const chunk = await take(into.subarray(0, expected.length - done));
        if (chunk.length === 0) return false;
        if (!Buffer.from(chunk).equals(expected.subarray(done, done + chunk.length))) return false;
        done += chunk.length;
      }
      return true;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
