/** The original at the level above the origin: brought here once, looked at, and kept (spec §1 step 5). */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import { type Facts, ORIG, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import { SNIFF_BYTES, sniff } from "../image/sniff.ts";
import { spanOf } from "../observe/trace.ts";
import { type Context, remainingMs } from "./context.ts";
import type { Incoming } from "./fill.ts";
import { jobLimits } from "./generate.ts";
import { type Held, holdFile } from "./hold.ts";
import { loadVariant } from "./load.ts";
import type { Parts } from "./parts.ts";
import { spoolPast, spoolTurn } from "./spool-past.ts";

/** The name an original is asked for by while its true ext is not known. */
export function originalOf(id: string, ext = "bin"): Variant {
  return { id, size: ORIG, ext };
}

/** Opens the original at the origin; its ext is what its bytes say. */
export function openAtOrigin(parts: Parts, context: Context, id: string): Promise<Incoming> {
  return spanOf(context.tracing, "origin", () => openOriginal(parts, context, id));
}

async function openOriginal(parts: Parts, context: Context, id: string): Promise<Incoming> {
  if (parts.origin === undefined) throw new Fault("not_found", "this mesh has no origin");
  const { tracing } = context;
  const sourceAt = parts.clock.wallSeconds();
  const opened = await parts.origin.open(id, {
    deadlineMs: remainingMs(context, parts.clock),
    ...(context.originalExt === undefined ? {} : { ext: context.originalExt }),
    ...(tracing === undefined ? {} : { traceparent: tracing.traceparent }),
  });
  if (opened.bytes === 0) {
    opened.body.cancel();
    const hint = "it may be about to be written: copy under another name, then rename";
    parts.log.warn("origin_empty_file", { origin: parts.origin.name, id, hint });
    throw new Fault("not_found", "the original is empty");
  }
  context.story?.from(parts.origin.name);
  const { head, body } = await readHead(opened.body, Math.min(SNIFF_BYTES, opened.bytes));
  return {
    meta: {
      relname: relnameOf(originalOf(id, sniff(head))),
      bytes: opened.bytes,
      validator: opened.validator,
      modified: opened.modified,
      facts: { width: 0, height: 0, alpha: false, animated: false },
      lossySteps: 0,
      sourceAt,
    },
    body: counted(body, (bytes) => parts.counters.add("origin_bytes", bytes)),
    source: "origin",
    via: "",
  };
}

/** An original on this disk, held for whoever works on it. */
export interface ResidentOriginal {
  readonly meta: VariantMeta;
  readonly held: Held;
  /** It was read from the origin for this. */
  readonly fetched: boolean;
}

/** Originals that are evicted as soon as they are here, before it is done without the cache. */
const FETCHES_MAX = 2;

/** The original on this disk, whole; undefined when there is no room for it. To be let go by the caller. */
export async function residentOriginal(
  parts: Parts,
  id: string,
  context: Context,
): Promise<ResidentOriginal | undefined> {
  const name = originalOf(id);
  const bytesMax = parts.topology.limits.imageSourceBytes;
  let fetched = false;
  for (let fetches = 0; fetches <= FETCHES_MAX; fetches++) {
    // before it is looked for: what is found then is at least that new
    const sourceAt = parts.purged.sourceAt(id);
    const meta = parts.local.look(name);
    const held = meta && holdFile(parts.cache, meta.relname);
    if (meta !== undefined && held !== undefined) {
      return { meta: { ...meta, sourceAt }, held, fetched };
    }
    const load = { name, context, whole: true, bytesMax };
    const served = await spanOf(context.tracing, "original", () => loadVariant(parts, load));
    if (served.kind === "stream") served.body.cancel();
    if (served.kind !== "file") return undefined;
    fetched = served.outcome.source === "origin";
  }
  return undefined;
}

/** Facts, and when their source was read, as in VariantMeta. */
export type Sighting = Pick<VariantMeta, "facts" | "sourceAt">;

/** The facts of a picture from its original, fetched for it when it is not here. */
export async function lookAtOriginal(
  parts: Parts,
  id: string,
  context: Context,
): Promise<Sighting> {
  const stamp = parts.purged.stamp(id);
  const original = await residentOriginal(parts, id, context);
  if (original === undefined) {
    return withSpooled(parts, id, context, async ({ path, meta: { sourceAt } }) => ({
      facts: await probeFacts(parts, context, { id, path }),
      sourceAt,
    }));
  }
  using held = original.held;
  const { relname, bytes, sourceAt } = original.meta;
  if (bytes > parts.topology.limits.imageSourceBytes) throw tooLarge();
  const facts = await probeFacts(parts, context, { id, path: held.path, of: relname });
  if (parts.purged.stamp(id) === stamp) parts.cache.learn(relname, facts);
  return { facts, sourceAt };
}

/** Lets `use` work on the original although the cache has no room for it; it is removed afterwards. */
export async function withSpooled<T>(
  parts: Parts,
  id: string,
  context: Context,
  use: (spooled: { readonly path: string; readonly meta: VariantMeta }) => Promise<T>,
): Promise<T> {
  using _ = await spoolTurn(context, parts.clock);
  const incoming = await openAtOrigin(parts, context, id);
  if (incoming.meta.bytes > parts.topology.limits.imageSourceBytes) {
    incoming.body.cancel();
    throw tooLarge();
  }
  using spooled = await spoolPast(parts.cache, incoming.body);
  return await use({ path: spooled.path, meta: incoming.meta });
}

/** The original has more bytes than a decoder is given. */
export function tooLarge(): Fault {
  return new Fault("image_too_large", "the original is too large to be resized");
}

/**
 * Looks at an original on disk, in an image worker: decoders never run in the node itself. At its header only, or
 * at the `whole`, so that nothing is taken in that could never be shown.
 */
export async function probeFacts(
  parts: Parts,
  context: Context,
  file: {
    readonly id: string;
    readonly path: string;
    /** What it is, where its path is of the moment. */
    readonly of?: string;
    readonly whole?: boolean;
  },
): Promise<Facts> {
  const of = file.of === undefined ? {} : { of: file.of };
  const { later = false } = context;
  const job = {
    kind: "probe",
    id: file.id,
    source: file.path,
    whole: file.whole ?? false,
    limits: jobLimits(parts),
    ...of,
  } as const;
  const result = await spanOf(context.tracing, "facts", () =>
    parts.images.run(job, { deadlineMs: remainingMs(context, parts.clock), later }),
  );
  if (result.kind !== "probed")
    throw new Fault("internal", "the image worker answered another job");
  return result.facts;
}

function counted(body: Body, count: (bytes: number) => void): Body {
  return {
    async read() {
      const chunk = await body.read();
      if (chunk !== undefined) count(chunk.length);
      return chunk;
    },
    cancel: () => body.cancel(),
  };
}

/** Reads at least `wanted` bytes and gives back a body that begins with them again. */
async function readHead(body: Body, wanted: number): Promise<{ head: Uint8Array; body: Body }> {
  let head = new Uint8Array(0);
  try {
    while (head.length < wanted) {
      const chunk = await body.read();
      if (chunk === undefined) break;
      const longer = new Uint8Array(head.length + chunk.length);
      longer.set(head);
      longer.set(chunk, head.length);
      head = longer;
    }
  } catch (error) {
    body.cancel();
    throw error;
  }
  let replayed = head.length === 0;
  return {
    head,
    body: {
      async read() {
        if (replayed) return body.read();
        replayed = true;
        return head;
      },
      cancel: () => body.cancel(),
    },
  };
}
