/** Reading whole recordings of the control protocol, however they are cut up. */

import { Decoder, type Piece } from "../../src/wire/decode.ts";

/** All that a recording says. */
export function decodeAll(bytes: Uint8Array): Piece[] {
  return decodeChunks([bytes]);
}

/** The same for a recording in pieces; each is looked at before the next comes. */
export function decodeChunks(chunks: readonly Uint8Array[]): Piece[] {
  const decoder = new Decoder();
  const pieces: Piece[] = [];
  for (const chunk of chunks) {
    decoder.feed(chunk);
    for (let p = decoder.next(); p !== undefined; p = decoder.next()) pieces.push(p);
  }
  return pieces;
}

/** With the content of each body joined, so that recordings cut differently can be compared. */
export function joined(pieces: readonly Piece[]): unknown[] {
  const out: unknown[] = [];
  let body: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.kind === "body") body.push(piece.bytes);
    else if (piece.kind === "bodyEnd") {
      out.push({ kind: "body", hex: Buffer.concat(body).toString("hex") });
      body = [];
    } else out.push(piece);
  }
  return out;
}
