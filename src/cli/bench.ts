/** `mir bench`: a load for a mesh, and what came of it. */

import { defineCommand } from "citty";
import { systemClock } from "../base/clock.ts";
import { BENCH_LIMITS } from "./bench/bounds.ts";
import { runCanonical } from "./bench/canonical.ts";
import { type Comparison, compare, comparisonText, readBefore } from "./bench/compare.ts";
import { CANONICAL, headlineText } from "./bench/headlines.ts";
import { measure, type UploadLoad } from "./bench/measure.ts";
import { parseRate, parseShare } from "./bench/numbers.ts";
import { BENCH_ARGS, type BenchFlags, parseCanonical, parsePlan } from "./bench/options.ts";
import { SUMMARY, type Summary } from "./bench/summary.ts";
import { summaryText } from "./bench/summary-text.ts";
import { makePaint } from "./demo/paint.ts";
import { listenForStop } from "./demo/stop-signals.ts";
import { type Output, terminal } from "./output.ts";
import { UsageError } from "./usage.ts";

export const benchCommand = defineCommand({
  meta: { name: "bench", description: "load for a mesh: rates, latencies, hit ratio" },
  args: BENCH_ARGS,
  async run({ args: given, rawArgs }) {
    const hasTarget = given._.length > 0 || given.topology !== undefined;
    process.exitCode = hasTarget
      ? await benchTarget(given, rawArgs, terminal)
      : await benchCanonical(given, rawArgs, terminal);
  },
});

/** From this share on, figures of what went well mislead. */
const ERRORS_TOLD = 0.01;

type Flags = BenchFlags & {
  readonly upload?: string | undefined;
  readonly json?: boolean | undefined;
  readonly compare?: string | undefined;
  readonly tolerance: string;
};

/** 1 when nothing was answered as it should be, or it is worse than before. */
async function benchTarget(
  flags: Flags,
  rawArgs: readonly string[],
  output: Output,
): Promise<number> {
  if (flags.closed === true && rawArgs.some((arg) => /^--rate(?:=|$)/.test(arg))) {
    throw new UsageError("--closed or --rate, not both: a closed loop goes as fast as it can");
  }
  const tolerance = parseShare(flags.tolerance, "tolerance");
  const before = flags.compare === undefined ? undefined : readBefore(flags.compare, SUMMARY);
  const uploads = flags.upload === undefined ? undefined : uploadsOf(flags.upload);
  const plan = parsePlan(flags);
  const json = flags.json === true;
  using stop = listenForStop(systemClock);
  const summary = await measure({ plan, uploads, json, output, signal: stop.signal });
  const compared = before === undefined ? undefined : compare(before, summary, { tolerance });
  const comparisons = compared === undefined ? [] : [compared];
  if (json) sayJson(summary, comparisons, output);
  else {
    output.say(summaryText(summary, makePaint(output.colour)));
    sayComparisons(comparisons, output);
    sayErrors(summary, output);
  }
  const nothing = summary.latencyMs.p50 === null;
  return nothing || compared?.worse === true ? 1 : 0;
}

async function benchCanonical(
  flags: Flags,
  rawArgs: readonly string[],
  output: Output,
): Promise<number> {
  const tolerance = parseShare(flags.tolerance, "tolerance");
  const before = flags.compare === undefined ? undefined : readBefore(flags.compare, CANONICAL);
  const json = flags.json === true;
  const { MIR_DEMO_DIR, XDG_CACHE_HOME } = process.env;
  const measured = await runCanonical({
    ...parseCanonical(flags, rawArgs),
    ...{ photosDir: flags.photos, json, output, env: { MIR_DEMO_DIR, XDG_CACHE_HOME } },
  });
  if (measured === undefined) return 1;
  const compared =
    before === undefined
      ? []
      : [
          compare(before.closed, measured.closed, { tolerance, mayDiffer: ["targets"] }),
          compare(before.open, measured.open, { tolerance, mayDiffer: ["targets", "perSecond"] }),
        ];
  if (json) sayJson(measured, compared, output);
  else {
    sayComparisons(compared, output);
    for (const summary of [measured.closed, measured.open]) sayErrors(summary, output);
    // its last two lines are the numbers
    output.say(headlineText(measured, makePaint(output.colour)));
  }
  return compared.some(({ worse }) => worse) ? 1 : 0;
}

function sayJson(measured: object, compared: readonly Comparison[], output: Output): void {
  output.say(JSON.stringify(compared.length === 0 ? measured : { ...measured, compared }));
}

function sayErrors({ errorRatio }: Pick<Summary, "errorRatio">, output: Output): void {
  if (errorRatio <= ERRORS_TOLD) return;
  const share = `${(errorRatio * 100).toFixed(1)} %`;
  output.say(`\n${share} of the requests failed: the figures are those of the others`);
}

function sayComparisons(compared: readonly Comparison[], output: Output): void {
  const paint = makePaint(output.colour);
  for (const one of compared) output.say(`\n${comparisonText(one, paint)}`);
}

function uploadsOf(rate: string): UploadLoad {
  const key = process.env["MIR_UPLOAD_KEY"];
  if (key === undefined || key === "") {
    throw new UsageError("--upload needs an upload key: set MIR_UPLOAD_KEY");
  }
  const max = BENCH_LIMITS.uploadsPerSecondMax;
  return { key, perSecond: parseRate(rate, { flag: "upload", min: 0.01, max }) };
}
