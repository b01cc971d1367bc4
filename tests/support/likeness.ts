/** How alike two pictures are: structure (SSIM) and colour (CIEDE2000), by the papers' own formulas. */

import sharp from "sharp";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** sRGB, three bytes a pixel. */
  readonly data: Uint8Array;
}

/** One frame, upright, on white; shrunk to lie inside a square of `longest`. */
export async function pixelsOf(
  source: string | Uint8Array,
  longest = Number.MAX_SAFE_INTEGER,
): Promise<Pixels> {
  const upright = sharp(source).autoOrient();
  const sides = { width: longest, height: longest };
  const sized =
    longest < Number.MAX_SAFE_INTEGER
      ? upright.resize({ ...sides, fit: "inside", withoutEnlargement: true })
      : upright;
  const { data, info } = await sized
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3) throw new Error(`${channels} channels`);
  return { width, height, data };
}

/** Of the paper: side of the window, and the constants that keep flat areas from dividing by nothing. */
const WINDOW = 8;
const STRIDE = 4;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Mean structural similarity of the luma (Wang et al. 2004), over windows of 8x8 every 4 pixels: 1 for the same
 * picture. The pictures must have the same size, both sides at least 8.
 */
export function ssim(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) throw new Error("not the same size");
  const [left, right] = [lumaOf(a), lumaOf(b)];
  let sum = 0;
  let windows = 0;
  for (let y = 0; y + WINDOW <= a.height; y += STRIDE) {
    for (let x = 0; x + WINDOW <= a.width; x += STRIDE, windows++) {
      sum += windowSsim(left, right, y * a.width + x, a.width);
    }
  }
  return sum / windows;
}

function lumaOf({ data }: Pixels): Float64Array {
  const luma = new Float64Array(data.length / 3);
  for (let i = 0; i < luma.length; i++) {
    const at = i * 3;
    luma[i] = 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  }
  return luma;
}

function windowSsim(a: Float64Array, b: Float64Array, start: number, width: number): number {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let row = 0; row < WINDOW; row++) {
    for (let column = 0; column < WINDOW; column++) {
      const at = start + row * width + column;
      const [p, q] = [a[at] ?? 0, b[at] ?? 0];
      sumA += p;
      sumB += q;
      squareA += p * p;
      squareB += q * q;
      product += p * q;
    }
  }
  const count = WINDOW * WINDOW;
  const [meanA, meanB] = [sumA / count, sumB / count];
  const varianceA = squareA / count - meanA ** 2;
  const varianceB = squareB / count - meanB ** 2;
  const covariance = product / count - meanA * meanB;
  const alike = (2 * meanA * meanB + C1) * (2 * covariance + C2);
  return alike / ((meanA ** 2 + meanB ** 2 + C1) * (varianceA + varianceB + C2));
}

/** CIEDE2000 between the mean colours of each of `blocks` x `blocks` parts of two pictures, whatever their sizes. */
export function colourDistances(a: Pixels, b: Pixels, blocks = 8): number[] {
  const [left, right] = [blockMeans(a, blocks), blockMeans(b, blocks)];
  return left.map((colour, i) => ciede2000(labOf(colour), labOf(right[i] ?? [0, 0, 0])));
}

type Triple = readonly [number, number, number];

/** Of the sRGB values as they are: shrinking a picture mixes them so. */
function blockMeans({ width, height, data }: Pixels, blocks: number): Triple[] {
  const sums = Array.from({ length: blocks * blocks }, () => [0, 0, 0, 0]);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * blocks) / height) * blocks;
    for (let x = 0; x < width; x++) {
      const sum = sums[row + Math.floor((x * blocks) / width)] ?? [];
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) sum[c] = (sum[c] ?? 0) + (data[at + c] ?? 0);
      sum[3] = (sum[3] ?? 0) + 1;
    }
  }
  return sums.map(([r = 0, g = 0, b = 0, count = 1]) => [r / count, g / count, b / count]);
}

function linear(value: number): number {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

/** By the white of D65. */
function labOf(colour: Triple): Triple {
  const [r, g, b] = [linear(colour[0]), linear(colour[1]), linear(colour[2])];
  const f = (t: number): number =>
    t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116;
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const RADIANS = Math.PI / 180;

/** Sharma, Wu and Dalal 2005, equations 2 to 22. About 1 is the least that people see. */
export function ciede2000([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number {
  const meanChroma = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(meanChroma ** 7 / (meanChroma ** 7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const [h1, h2] = [hueOf(p1, b1), hueOf(p2, b2)];
  const dL = l2 - l1;
  const dC = c2 - c1;
  const grey = c1 * c2 === 0;
  const turn = grey ? 0 : ((((h2 - h1 + 180) % 360) + 360) % 360) - 180;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * RADIANS);
  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  const h = grey ? h1 + h2 : meanHue(h1, h2);
  const t =
    1 -
    0.17 * Math.cos((h - 30) * RADIANS) +
    0.24 * Math.cos(2 * h * RADIANS) +
    0.32 * Math.cos((3 * h + 6) * RADIANS) -
    0.2 * Math.cos((4 * h - 63) * RADIANS);
  const sL = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sC = 1 + 0.045 * c;
  const sH = 1 + 0.015 * c * t;
  const rC = 2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7));
  const rT = -Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * RADIANS) * rC;
  return Math.sqrt((dL / sL) ** 2 + (dC / sC) ** 2 + (dH / sH) ** 2 + rT * (dC / sC) * (dH / sH));
}

function hueOf(a: number, b: number): number {
  if (a === 0 && b === 0) return 0;
  return (Math.atan2(b, a) / RADIANS + 360) % 360;
}

function meanHue(h1: number, h2: number): number {
  const sum = h1 + h2;
  if (Math.abs(h1 - h2) <= 180) return sum / 2;
  return sum < 360 ? (sum + 360) / 2 : (sum - 360) / 2;
}
