/** One picture sent to the service that `[services] thumbnail_endpoint` names, and its answer written to a file. */

import { closeSync, openSync, writeSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { contentTypeOf } from "../base/variant.ts";
import { makeDigest } from "../wire/xxhash.ts";
import type { Sides } from "./fit.ts";
import type { MakeJob } from "./job.ts";
import { isDamaged } from "./source-digest.ts";

export type EndpointAnswer =
  | { readonly kind: "made"; readonly bytes: number; readonly digest: string }
  /** It does not know what to do with this picture; nothing is wrong with it. */
  | { readonly kind: "unable" }
  | { readonly kind: "late" }
  /** `reason` is for the log. */
  | { readonly kind: "failed"; readonly reason: string };

export interface EndpointWish {
  /** How large the variant is to be, exactly. */
  readonly sides: Sides;
  /** Of the source, for its Content-Type. */
  readonly ext: string;
  readonly waitMs: number;
  /** Aborted when nobody waits for it any more. */
  readonly gone: AbortSignal | undefined;
  /** Of the request that it is made for. */
  readonly traceparent?: string | undefined;
}

/** What it says of pictures that it cannot do. */
const UNABLE: ReadonlySet<number> = new Set([415, 422]);

/** Never throws; the target may hold anything afterwards unless it was made. */
export async function askEndpoint(
  endpoint: string,
  job: MakeJob,
  wish: EndpointWish,
): Promise<EndpointAnswer> {
  const late = AbortSignal.timeout(Math.max(1, Math.round(wish.waitMs)));
  const signal = wish.gone === undefined ? late : AbortSignal.any([late, wish.gone]);
  try {
    // an image worker says what is wrong with it
    if (isDamaged(job)) return { kind: "unable" };
    const response = await fetch(urlOf(endpoint, job, wish.sides), {
      method: "POST",
      body: Bun.file(job.source),
      headers: {
        "content-type": contentTypeOf(wish.ext),
        accept: contentTypeOf(job.format),
        ...(wish.traceparent === undefined ? {} : { traceparent: wish.traceparent }),
      },
      // where it sends us nobody has said that pictures may go
      redirect: "manual",
      decompress: false,
      signal,
    });
    if (response.status === 200) return await write(response, job);
    await response.body?.cancel();
    if (UNABLE.has(response.status)) return { kind: "unable" };
    return { kind: "failed", reason: `status ${response.status}` };
  } catch (error) {
    if (late.aborted) return { kind: "late" };
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function urlOf(endpoint: string, { format, quality }: MakeJob, { width, height }: Sides): string {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries({ width, height, format, quality })) {
    url.searchParams.set(name, String(value));
  }
  return url.href;
}

async function write(response: Response, { target, limits }: MakeJob): Promise<EndpointAnswer> {
  const announced = Number(response.headers.get("content-length") ?? Number.NaN);
  const tooMany = { kind: "failed", reason: `more than ${limits.outputBytes} bytes` } as const;
  if (announced > limits.outputBytes) {
    await response.body?.cancel();
    return tooMany;
  }
  const reader = response.body?.getReader();
  const digest = makeDigest();
  const fd = openTarget(target);
  let bytes = 0;
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) break;
      if (bytes + chunk.value.length > limits.outputBytes) {
        await reader?.cancel();
        return tooMany;
      }
      writeSync(fd, chunk.value, 0, chunk.value.length, bytes);
      digest.update(chunk.value);
      bytes += chunk.value.length;
    }
  } finally {
    closeSync(fd);
  }
  if (Number.isFinite(announced) && bytes !== announced) {
    return { kind: "failed", reason: `${bytes} bytes where ${announced} were announced` };
  }
  return { kind: "made", bytes, digest: digest.hex() };
}

function openTarget(path: string): number {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    throw new Fault("unwritable", "the variant cannot be written", { cause: error });
  }
}
