/** Many web ids, or paths of URLs, in memory that threads share. */

export interface IdPack {
  /** One behind the other. */
  readonly bytes: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
}

const SLASH = 0x2f;

/** ASCII each; one that begins with a slash is a whole path, for which no size is chosen. */
export function packIds(ids: readonly string[]): IdPack {
  const ends = new Uint32Array(new SharedArrayBuffer(ids.length * 4));
  let length = 0;
  ids.forEach((id, i) => {
    length += id.length;
    ends[i] = length;
  });
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  bytes.set(Buffer.from(ids.join(""), "latin1"));
  return { bytes, ends };
}

export function startOfId({ ends }: IdPack, n: number): number {
  return n === 0 ? 0 : (ends[n - 1] ?? 0);
}

export function isWholePath(pack: IdPack, n: number): boolean {
  return pack.bytes[startOfId(pack, n)] === SLASH;
}
