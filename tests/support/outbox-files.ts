/** Records for an outbox under test, and pictures for them. */

import type { OutboxRecord } from "../../src/content/outbox-record.ts";
import { metaOf } from "./cache-dir.ts";

/** `ab/cd/ef/orig/abcdef{n}.jpg`. */
export function uploadName(n: number): string {
  return `up/lo/ad/orig/upload${n}.jpg`;
}

export function uploadBytes(n: number, bytes = 5000): Buffer {
  return Buffer.alloc(bytes, `picture ${n} `);
}

export function recordOf(n: number, more: Partial<OutboxRecord> = {}): OutboxRecord {
  const content = uploadBytes(n);
  return {
    ...metaOf(uploadName(n), content.length, { lossySteps: 0 }),
    sha256: sha256Of(content),
    next: "store",
    createdAt: 1_700_000_000 + n,
    ...more,
  };
}

function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
