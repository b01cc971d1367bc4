/** The public routes over a real cache, once with a RAM tier and once without, and another worker's view of the cache. */

import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Facts, relnameOf, type Variant, type VariantMeta } from "../../src/base/variant.ts";
import { type Cache, openCache } from "../../src/cache/cache.ts";
import type { Disk } from "../../src/cache/disks.ts";
import { TombstoneTable } from "../../src/cache/tombstone-table.ts";
import { makeFetchContent } from "../../src/content/fetch-content.ts";
import type { Parts } from "../../src/content/parts.ts";
import { makeRecorder } from "../../src/content/recorder.ts";
import { makeRepeats } from "../../src/content/repeat.ts";
import { type Handler, makeImageHandler } from "../../src/http/image.ts";
import { makeNoted } from "../../src/http/noted.ts";
import { makeRam } from "../../src/http/ram.ts";
import { metaOf } from "./cache-dir.ts";
import { makeNodeParts, type NodeParts } from "./node-parts.ts";
import { patternOf } from "./picture-site.ts";

export interface RamSite extends Disposable {
  readonly node: NodeParts;
  readonly parts: Parts;
  readonly handler: Handler;
  /** The same without a RAM tier. */
  readonly plain: Handler;
  /** Without a RAM tier too, but it notes where hits are. */
  readonly noting: Handler;
  /** Of `noting`: how often it asked the content. */
  searches(): number;
  /** The same cache as another worker has it. */
  readonly other: Cache;
  readonly tombstones: TombstoneTable;
  /** What the tier has told of its size, the last first. */
  bytes(): number;
  /** Makes it a variant that is on disk; `seed` tells contents of one length apart. */
  put(variant: Partial<Variant & Pick<VariantMeta, "facts">>, bytes: number, seed?: number): void;
  /** Asks as often as it takes to be held. */
  heat(path: string, headers?: Readonly<Record<string, string>>): Promise<void>;
  drain(on: boolean): void;
  closeRam(): void;
}

const FACTS: Facts = { width: 3000, height: 2000, alpha: false, animated: false };
export const ID = "viral123";

export function makeRamSite(
  options: { readonly roomBytes?: number; readonly edges?: readonly string[] } = {},
): RamSite {
  using stack = new DisposableStack();
  const { roomBytes = 8 << 20, edges = ["edge-1"] } = options;
  const node = stack.use(makeNodeParts({ self: "edge-1", edges, probing: false }));
  const { memory } = node;
  // the one of the node itself dials
  const recorder = makeRecorder({ links: node.parts.links, counters: node.parts.counters });
  stack.defer(() => recorder.close());
  const parts: Parts = { ...node.parts, recorder };
  const { cache, counters, log, clock, topology, self } = parts;
  mkdirSync(resolve(self.cacheDir, "../origin"));
  const other = openCache({
    ...{ ...onlyDisk(memory.disks), worker: 1, counters, log, clock },
  });
  stack.defer(() => other.close());
  let bytes = 0;
  let draining = false;
  const gauge = (value: number): void => {
    bytes = value;
  };
  const ram = makeRam({ roomBytes, repeats: makeRepeats(parts), counters, gauge });
  const common = {
    ...{ server: self.name, topology, counters, log, clock },
    fetchContent: makeFetchContent(parts),
    unread: (relname: string, error: unknown) => cache.noteUnread(relname, error),
    draining: () => draining,
  };
  const handler = makeImageHandler({ ...common, ram });
  let searches = 0;
  const noting = makeImageHandler({
    ...common,
    noted: makeNoted(makeRepeats(parts)),
    fetchContent(request) {
      searches++;
      return common.fetchContent(request);
    },
  });
  const kept = stack.move();
  return {
    ...{ node, parts, handler, other },
    plain: makeImageHandler(common),
    noting,
    searches: () => searches,
    tombstones: new TombstoneTable(memory.tombstones),
    bytes: () => bytes,
    put({ facts = FACTS, ...variant }, length, seed = 0) {
      const relname = relnameOf({ id: ID, size: "md", ext: "jpg", ...variant });
      const content = patternOf(length + seed).subarray(seed);
      const validator = Bun.hash.xxHash64(content).toString(16).padStart(16, "0");
      const meta = metaOf(relname, length, { facts, validator });
      using room = cache.reserve(length);
      if (room === undefined) throw new Error("no room");
      const path = cache.tempPath();
      writeFileSync(path, content);
      const published = cache.publish(room, path, meta);
      if (published !== "published") throw new Error(published);
    },
    async heat(path, headers = {}) {
      for (let i = 0; i < 2; i++) await (await handler(asking(path, { headers }))).bytes();
    },
    drain(on) {
      draining = on;
    },
    closeRam: () => ram.close(),
    [Symbol.dispose]: () => kept.dispose(),
  };
}

export function asking(path: string, init: RequestInit = {}): Request {
  return new Request(`http://mir.example${path}`, init);
}

export function pathOf(id: string = ID, size = "md", ext = "jpg"): string {
  return `/puddle/${id}/${size}/photo.${ext}`;
}

function onlyDisk([disk]: readonly Disk[]): Disk {
  if (disk === undefined) throw new Error("a node without a directory");
  return disk;
}
