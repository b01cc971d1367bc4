/** One load from beginning to end, with what is uploaded beside it, as a summary. */

import type { Output } from "../output.ts";
import type { LoadPlan } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { runLoad } from "./run-load.ts";
import { type Summary, summarize } from "./summary.ts";
import { runUploads, type UploadResult } from "./uploads.ts";

export interface UploadLoad {
  readonly perSecond: number;
  readonly key: string;
}

export async function measure(options: {
  readonly plan: LoadPlan;
  readonly uploads: UploadLoad | undefined;
  readonly json: boolean;
  readonly output: Output;
  readonly signal: AbortSignal;
}): Promise<Summary> {
  const { plan, json, output, signal } = options;
  const at = new Date();
  const over = new AbortController();
  const uploading = startUploads(plan, options.uploads, AbortSignal.any([signal, over.signal]));
  // heard of below, unless the load fails before
  uploading?.catch(() => undefined);
  try {
    const result = await runLoad(plan, {
      signal,
      watch: (look) => showProgress(look, { output, people: !json }),
    });
    over.abort();
    return summarize({ plan, result, uploads: await uploading, at });
  } finally {
    over.abort();
  }
}

function startUploads(
  plan: LoadPlan,
  uploads: UploadLoad | undefined,
  signal: AbortSignal,
): Promise<UploadResult> | undefined {
  if (uploads === undefined) return undefined;
  const [first, ...rest] = plan.groups.map(({ target }) => target);
  if (first === undefined) return undefined;
  const { answerMs, seed } = plan;
  const name = `bench-${Date.now().toString(36)}`;
  return runUploads({ ...uploads, targets: [first, ...rest], name, answerMs, seed, signal });
}
