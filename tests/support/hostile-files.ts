/** Files that mean harm: real pictures with their bytes changed, and ones made to lie. */

/** Numbers that are the same for the same seed (mulberry32): a failure can be had again. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Change = (bytes: Buffer, random: (below: number) => number) => Buffer;

/** Half of all places are in the first kilobyte, where headers are. */
function place(bytes: Buffer, random: (below: number) => number): number {
  return random(random(2) === 0 ? Math.min(1024, bytes.length) : bytes.length);
}

const CHANGES: readonly Change[] = [
  (bytes, random) => {
    bytes[place(bytes, random)] = random(256);
    return bytes;
  },
  (bytes, random) => {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    return bytes;
  },
  // lengths and counts are where decoders go wrong
  (bytes, random) => {
    const at = place(bytes, random);
    const value = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff][random(9)] ?? 0;
    if (at + 4 <= bytes.length) bytes.writeUInt32BE(value, at);
    return bytes;
  },
  (bytes, random) => bytes.fill(random(256), place(bytes, random), place(bytes, random)),
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => {
    const at = place(bytes, random);
    const [from, to] = [place(bytes, random), place(bytes, random)];
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
];

/** One to four changes to a copy of one of the files. */
export function mutated(files: readonly Uint8Array[], random: (below: number) => number): Buffer {
  let bytes: Buffer = Buffer.from(files[random(files.length)] ?? []);
  for (let left = 1 + random(4); left > 0; left--) {
    const change = CHANGES[random(CHANGES.length)];
    if (change !== undefined && bytes.length > 0) bytes = change(bytes, random);
  }
  return bytes;
}

/** A GIF of 1x1 with that many frames, of 22 bytes each. */
export function gifOf(frames: number): Buffer {
  const head = Buffer.from("GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff", "latin1");
  const frame = Buffer.from(
    "!\xf9\x04\0\x02\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0",
    "latin1",
  );
  return Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from(";")]);
}

/** An AVIF whose properties claim these sides (ISO 23008-12 `ispe`), whatever its pixels are. */
export function avifSaying(avif: Uint8Array, width: number, height: number): Buffer {
  const bytes = Buffer.from(avif);
  for (let at = bytes.indexOf("ispe"); at >= 0; at = bytes.indexOf("ispe", at + 4)) {
    bytes.writeUInt32BE(width, at + 8);
    bytes.writeUInt32BE(height, at + 12);
  }
  return bytes;
}

/** An AVIF whose item is said to be of another format (`infe`): one format inside another. */
export function avifHolding(avif: Uint8Array, itemType: string): Buffer {
  const bytes = Buffer.from(avif);
  const info = bytes.indexOf("infe");
  bytes.write(itemType, bytes.indexOf("av01", info), "latin1");
  return bytes;
}

/** A WebP with alpha whose canvas claims these sides (`VP8X`). */
export function webpSaying(webp: Uint8Array, width: number, height: number): Buffer {
  const bytes = Buffer.from(webp);
  const at = bytes.indexOf("VP8X");
  if (at < 0) throw new Error("no extended WebP");
  bytes.writeUIntLE(width - 1, at + 12, 3);
  bytes.writeUIntLE(height - 1, at + 15, 3);
  return bytes;
}

/** A JPEG whose frame header claims these sides. */
export function jpegSaying(jpeg: Uint8Array, width: number, height: number): Buffer {
  const bytes = Buffer.from(jpeg);
  for (let at = 2; at + 4 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1] ?? 0;
    if (marker !== 0xc0 && marker !== 0xc2) continue;
    bytes.writeUInt16BE(height, at + 5);
    bytes.writeUInt16BE(width, at + 7);
    return bytes;
  }
  throw new Error("no frame header");
}

/** A PNG whose header claims these sides, with the right checksum. */
export function pngSaying(png: Uint8Array, width: number, height: number): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}
