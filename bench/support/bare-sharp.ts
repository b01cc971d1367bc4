/** sharp alone: a process that makes a list of variants one after the other, as fast as it can. */

import { writeFileSync } from "node:fs";
import sharp from "sharp";
import type { MakeJob } from "../../src/image/job.ts";

/** What it is sent; it answers with one message when all are made. */
export interface BareList {
  readonly jobs: readonly (Pick<MakeJob, "source" | "target" | "format" | "quality" | "effort"> & {
    readonly width: number;
    readonly height: number;
  })[];
}

sharp.concurrency(1);
sharp.cache(false);
process.on("message", (list: BareList) => void run(list));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

async function run({ jobs }: BareList): Promise<void> {
  for (const { source, target, width, height, format, quality, effort } of jobs) {
    const sized = sharp(source, { failOn: "error", sequentialRead: true })
      .autoOrient()
      .resize({ width, height, fit: "fill" });
    const flat = format === "jpg" ? sized.flatten({ background: "#ffffff" }) : sized;
    const image = flat.toColourspace("srgb");
    const encoded =
      format === "jpg"
        ? image.jpeg({ quality, mozjpeg: true })
        : image.toFormat(format, format === "webp" ? { quality, effort: 4 } : { quality, effort });
    writeFileSync(target, await encoded.toBuffer());
  }
  process.send?.("done");
}
