/** `mir bench`: a load for a mesh, and what came of it. */

import { defineCommand } from "citty";
import { systemClock } from "../base/clock.ts";
import { BENCH_LIMITS } from "./bench/bounds.ts";
import { compare, comparisonText, readSummary } from "./bench/compare.ts";
import { parseRate, parseShare } from "./bench/numbers.ts";
import { BENCH_ARGS, parsePlan } from "./bench/options.ts";
import type { LoadPlan } from "./bench/plan.ts";
import { showProgress } from "./bench/progress.ts";
import { runLoad } from "./bench/run-load.ts";
import { type Summary, summarize } from "./bench/summary.ts";
import { summaryText } from "./bench/summary-text.ts";
import { runUploads, type UploadResult } from "./bench/uploads.ts";
import { makePaint } from "./demo/paint.ts";
import { listenForStop } from "./demo/stop-signals.ts";
import { type Output, terminal } from "./output.ts";
import { UsageError } from "./usage.ts";

export const benchCommand = defineCommand({
  meta: { name: "bench", description: "load for a mesh: rates, latencies, hit ratio" },
  args: BENCH_ARGS,
  async run({ args: given }) {
    const tolerance = parseShare(given.tolerance, "tolerance");
    const before = given.compare === undefined ? undefined : readSummary(given.compare);
    const uploads = given.upload === undefined ? undefined : uploadsOf(given.upload);
    const plan = parsePlan(given);
    const json = given.json === true;
    const summary = await measure({ plan, uploads, json, output: terminal });
    const compared = before === undefined ? undefined : compare(before, summary, tolerance);
    const paint = makePaint(terminal.colour);
    if (json) {
      terminal.say(JSON.stringify(compared === undefined ? summary : { ...summary, compared }));
    } else {
      terminal.say(summaryText(summary, paint));
      if (compared !== undefined) terminal.say(`\n${comparisonText(compared, paint)}`);
    }
    const nothing = summary.latencyMs.p50 === null;
    process.exitCode = nothing || compared?.worse === true ? 1 : 0;
  },
});

interface Uploads {
  readonly perSecond: number;
  readonly key: string;
}

function uploadsOf(rate: string): Uploads {
  const key = process.env["MIR_UPLOAD_KEY"];
  if (key === undefined || key === "") {
    throw new UsageError("--upload needs an upload key: set MIR_UPLOAD_KEY");
  }
  const max = BENCH_LIMITS.uploadsPerSecondMax;
  return { key, perSecond: parseRate(rate, { flag: "upload", min: 0.01, max }) };
}

async function measure(options: {
  readonly plan: LoadPlan;
  readonly uploads: Uploads | undefined;
  readonly json: boolean;
  readonly output: Output;
}): Promise<Summary> {
  const { plan, json, output } = options;
  const at = new Date();
  using stop = listenForStop(systemClock);
  const over = new AbortController();
  const uploading = startUploads(
    plan,
    options.uploads,
    AbortSignal.any([stop.signal, over.signal]),
  );
  try {
    const result = await runLoad(plan, {
      signal: stop.signal,
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
  uploads: Uploads | undefined,
  signal: AbortSignal,
): Promise<UploadResult> | undefined {
  if (uploads === undefined) return undefined;
  const [first, ...rest] = plan.groups.map(({ target }) => target);
  if (first === undefined) return undefined;
  const { answerMs, seed } = plan;
  const name = `bench-${Date.now().toString(36)}`;
  return runUploads({ ...uploads, targets: [first, ...rest], name, answerMs, seed, signal });
}
