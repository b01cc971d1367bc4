/** SHA-256 of what is stored, read piece by piece, for comparing an upload with it. */

import { open } from "node:fs/promises";
import type { Body } from "../base/body.ts";
import { isMissing } from "../base/errno.ts";
import type { Served } from "./served.ts";

const CHUNK_BYTES = 256 * 1024;

/** Hex; undefined when the file has gone. */
export async function sha256OfFile(path: string): Promise<string | undefined> {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    const handle = await open(path, "r");
    try {
      const buffer = new Uint8Array(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length);
        if (bytesRead === 0) return hasher.digest("hex");
        hasher.update(buffer.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export async function sha256OfServed(served: Served): Promise<string | undefined> {
  if (served.kind === "file") return sha256OfFile(served.path);
  if (served.kind === "stream") return sha256OfBody(served.body);
  return new Bun.CryptoHasher("sha256").update(served.bytes).digest("hex");
}

export async function sha256OfBody(body: Body): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (;;) {
    const chunk = await body.read();
    if (chunk === undefined) return hasher.digest("hex");
    hasher.update(chunk);
  }
}
