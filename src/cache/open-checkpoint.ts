/** The checkpoint a start finds: its head, how new purged ids were, and the images that follow. */

import * as v from "valibot";
import { errnoOf, isMissing } from "../base/errno.ts";
import type { Log } from "../observe/log.ts";
import {
  CHECKPOINT_FORMAT,
  type CheckpointHead,
  type Chunk,
  checkpointPath,
  readCheckpointFile,
} from "./checkpoint-file.ts";
import { LAYOUT_VERSION } from "./layout.ts";

const HEAD = v.object({
  format: v.literal(CHECKPOINT_FORMAT),
  layout: v.literal(LAYOUT_VERSION),
  boot: v.string(),
  seeds: v.tuple([v.number(), v.number()]),
  sizes: v.array(v.string()),
  shapes: v.optional(v.array(v.string())),
  recency: v.number(),
  journal: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
const AGE = /^([A-Za-z0-9_-]{6,96}) (\d{1,11})$/;

export interface OpenCheckpoint {
  readonly head: CheckpointHead;
  /** `sourceAt` of ids; see `Tombstones.ages`. */
  readonly ages: ReadonlyMap<string, number>;
  /** Words of images until the next are asked for; undefined for a chunk that is damaged. To be run to its end or closed. */
  readonly images: Generator<Int32Array | undefined>;
}

/** "none": there is no file. "useless": there is one that says nothing, and why is in the log. */
export function openCheckpoint(dir: string, log: Log): OpenCheckpoint | "none" | "useless" {
  const chunks = readCheckpointFile(checkpointPath(dir));
  const useless = (why: string): "useless" => {
    chunks.return(undefined);
    const effect = "originals are taken in when they are confirmed, all else is fetched again";
    log.error("cache.checkpoint_useless", { dir, why, effect });
    return "useless";
  };
  try {
    const first = chunks.next();
    const head = first.done === true ? undefined : headOf(first.value);
    if (head === undefined) return useless("its head is damaged, or of another version of mir");
    const ages = new Map<string, number>();
    let chunk = chunks.next();
    for (; chunk.done !== true && chunk.value.kind === "ages"; chunk = chunks.next()) {
      addAges(ages, chunk.value.payload);
    }
    return { head, ages, images: imagesOf(chunks, chunk.done === true ? undefined : chunk.value) };
  } catch (error) {
    if (isMissing(error)) return "none";
    return useless(errnoOf(error) ?? String(error));
  }
}

function* imagesOf(
  chunks: Generator<Chunk>,
  first: Chunk | undefined,
): Generator<Int32Array | undefined> {
  try {
    for (let chunk = first; chunk !== undefined; ) {
      const { kind, payload } = chunk;
      if (kind === "damaged") yield undefined;
      if (kind === "images")
        yield new Int32Array(payload.buffer, payload.byteOffset, payload.length / 4);
      const next = chunks.next();
      chunk = next.done === true ? undefined : next.value;
    }
  } finally {
    chunks.return(undefined);
  }
}

function headOf({ kind, payload }: Chunk): CheckpointHead | undefined {
  if (kind !== "head") return undefined;
  const parsed = v.safeParse(HEAD, JSON.parse(Buffer.from(payload).toString("utf8")));
  return parsed.success ? parsed.output : undefined;
}

function addAges(ages: Map<string, number>, payload: Uint8Array): void {
  for (const line of Buffer.from(payload).toString("latin1").split("\n")) {
    const found = AGE.exec(line);
    if (found !== null) ages.set(found[1] ?? "", Number(found[2]));
  }
}
