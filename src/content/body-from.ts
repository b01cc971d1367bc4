/** What was served on this node, as a Body that begins at any of its bytes. */

import type { Body } from "../base/body.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { AnswerSource } from "../mesh/peer.ts";
import { openSource } from "../mesh/source.ts";
import type { Served } from "./served.ts";

const CHUNK_BYTES = 128 * 1024;
/** Reads at offsets 8 and 16 of a buffer are many times slower (spikes 0.3); 64 is safe. */
const READ_AT = 64;

/** `offset` is at most the variant's length. Throws a Fault when a file is not what it should be. */
export function bodyFrom(meta: VariantMeta, send: AnswerSource, offset: number): Body {
  const source = openSource({ meta, send }, offset);
  const buffer = new Uint8Array(READ_AT + CHUNK_BYTES);
  let left = meta.bytes - offset;
  return {
    async read() {
      if (left === 0) {
        await source.finish();
        source.close();
        return undefined;
      }
      const room = buffer.subarray(READ_AT, READ_AT + Math.min(CHUNK_BYTES, left));
      const got = await source.fill(room);
      left -= got;
      return room.subarray(0, got);
    },
    cancel: () => source.close(),
  };
}

/** The same bytes, as an answer to a peer names them. */
export function sendOf(served: Served): AnswerSource {
  if (served.kind === "file") return { kind: "file", path: served.path };
  if (served.kind === "bytes") return { kind: "bytes", bytes: served.bytes };
  return { kind: "body", body: served.body };
}
