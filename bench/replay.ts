/** Miss ratios of the node's eviction and of rivals on a trace: `--trace FILE --format oracleGeneral --share 0.1 --json`. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { type Report, replayTrace } from "./support/replay.ts";
import { FORMATS, type Format, readTrace, type Trace, zipfTrace } from "./support/traces.ts";

/** Traces beside the checkout, replayed where they are there and none is named. */
const KNOWN: readonly { readonly path: string; readonly format: Format }[] = [
  { path: "../shared/traces/cloudPhysicsIO.oracleGeneral.bin", format: "oracleGeneral" },
  { path: "../shared/traces/web07.trace.xz", format: "ids" },
];
const ZIPF = { requests: 1_000_000, objects: 100_000, skew: 0.9, onceShare: 0.15, seed: 1 };

const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    format: { type: "string", default: "oracleGeneral" },
    share: { type: "string", default: "0.01,0.1,0.3" },
    json: { type: "boolean", default: false },
  },
});
const shares = values.share.split(",").map(Number);
if (shares.some((share) => !(share > 0 && share <= 1))) {
  refuse(`--share is ${values.share}: numbers over 0 and up to 1, with commas between them`);
}
const reports = tracesToReplay().flatMap((trace) =>
  shares.map((share) => ({ share, ...replayTrace(trace, share) })),
);
if (values.json) console.log(JSON.stringify(reports));
else for (const report of reports) show(report);

function tracesToReplay(): Trace[] {
  const { trace, format } = values;
  if (trace !== undefined) {
    const known = FORMATS.find((one) => one === format);
    if (known === undefined) refuse(`--format is ${format}: one of ${FORMATS.join(", ")}`);
    return [readTrace(trace, known)];
  }
  const found = KNOWN.filter(({ path }) => existsSync(path));
  return [...found.map(({ path, format: its }) => readTrace(path, its)), zipfTrace(ZIPF)];
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function show(report: Report & { readonly share: number }): void {
  const { trace, requests, objects, capacityBytes, share, results } = report;
  const mib = (capacityBytes / 2 ** 20).toFixed(0);
  console.log(
    `\n${basename(trace)}: ${requests} requests for ${objects} objects; ${mib} MiB, ${share}`,
  );
  for (const { policy, missRatio, byteMissRatio, nsPerRequest } of results) {
    const figures = [missRatio, byteMissRatio].map((ratio) => ratio.toFixed(4)).join("  ");
    console.log(`  ${policy.padEnd(16)} ${figures}  ${nsPerRequest.toFixed(0).padStart(5)} ns`);
  }
}
