/** A node killed again and again while it fills its cache and serves: how long it takes to be ready, and what clients saw. `MIR_CRASHES=N` rounds. */

import { runCrashLoop } from "../tests/support/crash-loop.ts";

const ROUNDS = Number(process.env["MIR_CRASHES"] ?? 20);

const seen = await runCrashLoop(ROUNDS, Math.random);
const starts = [...seen.startsMs].sort((a, b) => a - b);
const at = (share: number): number =>
  Math.round(starts[Math.min(starts.length - 1, Math.floor(starts.length * share))] ?? 0);
process.stdout.write(
  [
    `${seen.rounds} stops, ${seen.whole} answers whole, ${seen.unanswered} in flight or refused`,
    ...seen.wrong,
    `wrong ${seen.wrong.length}, damaged ${seen.corrupt}, leaked ${seen.leaked.length}`,
    `ready after ${at(0.5)} ms (median), ${at(0.9)} ms (nine of ten), ${at(1)} ms (slowest)`,
    "",
  ].join("\n"),
);
