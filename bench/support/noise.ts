/** Bodies to be served by benches. */

/** Noise that begins like a JPEG, so that it is served as what it is called. */
export function noiseJpeg(bytes: number): Uint8Array {
  const noise = Buffer.alloc(bytes);
  for (let i = 0, seed = bytes; i < bytes; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) | 0;
    noise[i] = seed >>> 16;
  }
  noise.set([0xff, 0xd8, 0xff, 0xe0]);
  return noise;
}
