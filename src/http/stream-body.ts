/** Bodies that are not whole yet, sent as they come: a cut one is an error to the client, never an end (spec §2). */

import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";

const CHUNK_BYTES = 256 * 1024;
/** Reads at offsets 8 and 16 of a buffer are many times slower (spikes 0.3); 64 is safe. */
const READ_AT = 64;

/**
 * A stream of exactly `bytes` bytes. Bun sends it chunked (to HTTP/1.0 up to the close of the connection) and
 * `write` copies, so a body may reuse its buffer. A source that fails, or has another length, resets the
 * connection: there is no terminating chunk, and `onCut` hears the reason. A client that goes cancels the body.
 */
export function streamOf(
  body: Body,
  options: {
    readonly bytes: number;
    /** What was read already, to see whether the source brings anything at all. */
    readonly first?: Uint8Array | undefined;
    readonly onCut: (reason: unknown) => void;
  },
): ReadableStream {
  const { bytes, first, onCut } = options;
  let gone = false;
  return new ReadableStream({
    type: "direct",
    async pull(controller: ReadableStreamDirectController) {
      let sent = 0;
      try {
        let chunk = first ?? (await body.read());
        while (chunk !== undefined && !gone) {
          sent += chunk.byteLength;
          if (sent > bytes) throw new Fault("peer_failed", "the body is longer than announced");
          await controller.write(chunk);
          await controller.flush();
          chunk = gone ? undefined : await body.read();
        }
        if (gone) return;
        if (sent !== bytes) throw new Fault("peer_failed", "the body is shorter than announced");
      } catch (error) {
        body.cancel();
        if (gone) return;
        onCut(error);
        // thrown within the microtasks of this very call, Bun would also print it to standard error
        await setImmediate();
        throw error;
      }
      controller.close();
    },
    cancel() {
      gone = true;
      body.cancel();
    },
  });
}

/** A whole file as a Body; it must be of exactly `bytes` bytes and never change (design decision 8). */
export function openFileBody(path: string, bytes: number): Body {
  const fd = openSync(path, "r");
  const buffer = new Uint8Array(READ_AT + CHUNK_BYTES);
  let position = 0;
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    closeSync(fd);
  };
  return {
    async read() {
      if (!open) return undefined;
      const wanted = Math.min(CHUNK_BYTES, bytes - position);
      const got = wanted === 0 ? 0 : readSync(fd, buffer, READ_AT, wanted, position);
      if (got === wanted && got > 0) {
        position += got;
        return buffer.subarray(READ_AT, READ_AT + got);
      }
      close();
      if (got < wanted) throw new Fault("internal", "a cached file is shorter than it was");
      return undefined;
    },
    cancel: close,
  };
}
