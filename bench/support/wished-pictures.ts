/** Pictures of a node that is asked for exact sizes of them, and how its answers are judged. */

import { join } from "node:path";
import sharp from "sharp";
import { LIMITS } from "../../src/base/limits.ts";
import { membersOf } from "../../tests/support/cache-status.ts";
import type { Mesh } from "../../tests/support/mesh.ts";
import { drawRaw } from "../../tests/support/pictures.ts";

const PICTURES = 160;
/** Whose larger variants are not there, so that there is nothing to send in their place. */
const BARE_PICTURES = 40;
const BOXES = Array.from({ length: 120 }, (_, i) => ({ width: 400 + 4 * i, height: 300 + 4 * i }));
const FORMATS = ["jpg", "webp"] as const;
const FULL = { width: 2000, height: 1500 };
/** One answer in so many is read and decoded: the client must not take the processor that is measured. */
const READ_EACH = 5;

export const EXACT_SIZES = BOXES.map(({ width, height }) => `${width}x${height}`);

export interface Wish {
  readonly path: string;
  readonly width: number;
  readonly bare: boolean;
}

export type Outcome = "right" | "stand-in" | "refused" | "wrong";

/** What is asked for of one edge. */
export interface Asking {
  ask(wish: Wish): Promise<Outcome>;
  /** Paths that another variant was sent for. */
  readonly replaced: readonly string[];
}

/** Into a folder which is a store. */
export async function drawPictures(dir: string): Promise<void> {
  const raw = { ...FULL, channels: 3 } as const;
  const picture = sharp(drawRaw(FULL.width, FULL.height), { raw });
  // as PNG they are too large to be sent in place of anything
  const bytes = await picture.png({ compressionLevel: 1 }).toBuffer();
  if (bytes.length < LIMITS.standInOriginalBytesMax) throw new Error("the pictures are too small");
  for (let i = 0; i < PICTURES + BARE_PICTURES; i++) {
    await Bun.write(join(dir, `picture-${i}.png`), bytes);
  }
}

/** Large variants of most of them are made, and small ones of all, which are asked for as hits: their paths and bytes. */
export async function prepare(mesh: Mesh, edge: string): Promise<ReadonlyMap<string, Blob>> {
  const hits = new Map<string, Blob>();
  for (let i = 0; i < PICTURES + BARE_PICTURES; i++) {
    const sizes = i < PICTURES ? ["lg/a.jpg", "xs/a.jpg"] : ["xs/a.jpg"];
    for (const size of sizes) {
      const path = `/puddle/picture-${i}/${size}`;
      const answer = await mesh.get(edge, path);
      const bytes = await answer.blob();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      if (size.startsWith("xs")) hits.set(path, bytes);
    }
  }
  return hits;
}

export function allWishes(): Wish[] {
  return Array.from({ length: PICTURES + BARE_PICTURES }, (_, i) =>
    BOXES.flatMap(({ width, height }) =>
      FORMATS.map((format) => ({
        path: `/puddle/picture-${i}/${width}x${height}/a.${format}`,
        // four to three, as the pictures are
        width: Math.round(Math.min(width, (height * FULL.width) / FULL.height)),
        bare: i >= PICTURES,
      })),
    ),
  ).flat();
}

export function askAt(mesh: Mesh, edge: string): Asking {
  const replaced: string[] = [];
  let asks = 0;
  return {
    replaced,
    async ask({ path, width, bare }) {
      const method = asks++ % READ_EACH === 0 ? "GET" : "HEAD";
      const answer = await mesh.get(edge, path, { method });
      const bytes = await answer.bytes();
      const { headers, status } = answer;
      if (status === 503) return headers.has("retry-after") && bare ? "refused" : "wrong";
      if (status !== 200) return "wrong";
      if (membersOf(answer).at(-1)?.detail !== "stand-in") {
        if (method === "HEAD") return "right";
        const found = await sharp(bytes).metadata();
        return Math.abs(found.width - width) <= 1 ? "right" : "wrong";
      }
      replaced.push(path);
      if (headers.get("cache-control") !== "public, max-age=10") return "wrong";
      const isRead = method === "GET";
      return !isRead || (await sharp(bytes).metadata()).width >= width ? "stand-in" : "wrong";
    },
  };
}
