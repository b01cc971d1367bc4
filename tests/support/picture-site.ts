/** Public routes over pictures of known bytes: what is asked of the content is recorded, what it answers is set. */

import type { Body } from "../../src/base/body.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { UNKNOWN_FACTS, type VariantMeta } from "../../src/base/variant.ts";
import {
  type ContentRequest,
  type FetchContent,
  HIT,
  type Served,
} from "../../src/content/served.ts";
import { type Handler, type ImageHandlerOptions, makeImageHandler } from "../../src/http/image.ts";
import {
  type CounterName,
  createCounterMemory,
  openCounters,
  readCounters,
} from "../../src/observe/counters.ts";
import { silentLog } from "../../src/observe/log.ts";
import type { TempDir } from "./temp-dir.ts";

const MODIFIED = Date.UTC(2015, 9, 21, 7, 28, 0) / 1000;
const VALIDATOR = "0123456789abcdef";
export const PICTURE_PATH = "/puddle/viral123/md/photo.jpg";

type Content = Awaited<ReturnType<FetchContent>>;

export interface PictureSite {
  readonly handler: Handler;
  readonly asked: readonly ContentRequest[];
  count(name: CounterName): number;
}

export const TOPOLOGY: ImageHandlerOptions["topology"] = {
  sizes: [
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768 },
  ],
  image: {
    policy: "snap",
    exactSizes: [],
    autoFormats: ["avif", "webp"],
    quality: { jpg: 80, webp: 80, avif: 50 },
    avifEffort: 2,
  },
  http: { prefix: "puddle", allowOrigin: "*", originals: true },
};

/** `content` is called for each request that reaches the content; its turn counts from 1. */
export function makePictureSite(
  content: (request: ContentRequest, turn: number) => Content | Promise<Content>,
  options: Partial<ImageHandlerOptions> & { readonly clock?: Clock } = {},
): PictureSite {
  const asked: ContentRequest[] = [];
  const memory = createCounterMemory(1);
  const handler = makeImageHandler({
    server: "edge-1",
    topology: TOPOLOGY,
    async fetchContent(request) {
      asked.push(request);
      return content(request, asked.length);
    },
    counters: openCounters(memory, 0),
    log: silentLog,
    clock: systemClock,
    ...options,
  });
  return { handler, asked, count: (name) => readCounters(memory)[name] };
}

export function metaOf(bytes: number, relname = "vi/ra/l1/md/viral123.jpg"): VariantMeta {
  const common = { validator: VALIDATOR, modified: MODIFIED, facts: UNKNOWN_FACTS, lossySteps: 1 };
  return { relname, bytes, ...common };
}

/** Bytes that tell their own position. */
export function patternOf(bytes: number): Uint8Array {
  const pattern = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) pattern[at] = (at * 31 + (at >> 8)) & 0xff;
  return pattern;
}

export interface WatchedBody extends Body {
  readonly cancelled: boolean;
  readonly reads: number;
}

/** Gives the chunks one after the other, then ends, or fails with `fault`. */
export function bodyOf(chunks: readonly Uint8Array[], fault?: Error): WatchedBody {
  let reads = 0;
  let cancelled = false;
  return {
    async read() {
      const chunk = chunks[reads++];
      if (chunk === undefined && fault !== undefined) throw fault;
      return chunk;
    },
    cancel() {
      cancelled = true;
    },
    get cancelled() {
      return cancelled;
    },
    get reads() {
      return reads;
    },
  };
}

type FileServed = Extract<Served, { kind: "file" }>;

/** A picture's bytes as a small file, as a large one that is sent by sendfile, and in memory. */
export interface PictureFiles {
  readonly smallPath: string;
  readonly largePath: string;
  readonly small: FileServed;
  readonly large: FileServed;
  readonly bytes: Served;
}

const MiB = 1024 * 1024;
export const SMALL = patternOf(1000);
export const LARGE = patternOf(MiB);

export function writePictureFiles(dir: TempDir): PictureFiles {
  const smallPath = dir.write("small.jpg", SMALL);
  const largePath = dir.write("large.jpg", LARGE);
  return {
    smallPath,
    largePath,
    small: { kind: "file", meta: metaOf(1000), outcome: HIT, path: smallPath },
    large: { kind: "file", meta: metaOf(MiB), outcome: HIT, path: largePath },
    bytes: { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes: SMALL },
  };
}

export function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Request {
  return new Request(`http://mir.example${path}`, { method, headers });
}

/** The answer to a request for a picture of which that was found. */
export async function get(
  served: Served,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Response> {
  return makePictureSite(() => served).handler(ask(PICTURE_PATH, headers, method));
}
