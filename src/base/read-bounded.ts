/** The body of an answer over HTTP, as far as it is not longer than it may be. */

/** undefined: there are more bytes, and the rest was not read. */
export async function readBounded(
  response: Response,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return Buffer.alloc(0);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
  }
}
