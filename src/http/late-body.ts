/** Whole bodies of answers that come late, so that head and body still leave in one write. */

/**
 * Below this Bun gathers head and body by itself. Above, once the handler has had to wait, it sends the head of
 * an answer with bytes in some thirty writes of a few bytes each: at 100 KB 170 µs of the kernel's time where
 * one write takes 27 (bench/versus/peer-stream.ts). Bun 1.4.5 asks `bodyBytes < 16384 - 1024`.
 */
const GATHERED_BYTES = 15 * 1024;

/**
 * The bytes, as a body for an answer that is not given in the turn of its request. A direct stream that ends
 * before its first flush is sent like bytes, with Content-Length, and its head is gathered. The bytes must stay
 * as they are: unlike those given to `Response` they are taken later.
 */
export function lateBody(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | ReadableStream {
  if (bytes.byteLength < GATHERED_BYTES) return bytes;
  return new ReadableStream(
    {
      type: "direct",
      pull(controller: ReadableStreamDirectController) {
        controller.write(bytes);
        controller.close();
      },
    },
    // over the length: what reaches it is flushed, and then sent chunked
    { highWaterMark: bytes.byteLength + 1 },
  );
}
