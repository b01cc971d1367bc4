/** Whether a GIF ends where its blocks end: the decoder shows half a frame without a word (GIF89a, §12 to §26). */

const IMAGE = 0x2c;
const EXTENSION = 0x21;
/** Signature, version and logical screen descriptor. */
const HEADER_BYTES = 13;
/** Position, size and flags behind an image separator. */
const IMAGE_BYTES = 9;

/**
 * False when the file breaks off inside a block. A missing trailer alone is forgiven, as browsers
 * do, and so is rubbish where a block would begin.
 */
export function isWholeGif(bytes: Uint8Array): boolean {
  let at = HEADER_BYTES + colourTableBytes(bytes[10]);
  for (;;) {
    if (at >= bytes.length) return at === bytes.length;
    switch (bytes[at]) {
      case IMAGE:
        // the byte before the sub-blocks is the code size of the compression
        at += 1 + IMAGE_BYTES + colourTableBytes(bytes[at + IMAGE_BYTES]) + 1;
        break;
      case EXTENSION:
        at += 2;
        break;
      default:
        return true;
    }
    at = endOfSubBlocks(bytes, at);
  }
}

/** Each sub-block says its length; an empty one ends them. Beyond the end when it is missing. */
function endOfSubBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return bytes.length + 1;
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** From the flags of a screen or image descriptor: none, or 3 bytes for each of 2^(n+1) colours. */
function colourTableBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}
