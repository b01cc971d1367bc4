/** Large originals for scenarios, and their digests. */

import { closeSync, openSync, writeSync } from "node:fs";

const MIB = 2 ** 20;

/** Noise that begins like a JPEG: only its header is looked at when it is asked for as it is. */
export function writeLarge(path: string, bytes: number): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const block = Buffer.alloc(MIB);
  let seed = 7;
  for (let i = 0; i < block.length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) | 0;
    block[i] = seed >>> 16;
  }
  const fd = openSync(path, "w");
  for (let at = 0; at < bytes; at += MIB) {
    block.writeUInt32BE(at / MIB, 4);
    if (at === 0) block.set([0xff, 0xd8, 0xff, 0xe0], 0);
    hasher.update(block);
    writeSync(fd, block);
  }
  closeSync(fd);
  return hasher.digest("hex");
}

/** Of a body as it comes. */
export async function sha256Of(answer: Response): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of answer.body ?? []) hasher.update(chunk);
  return hasher.digest("hex");
}
