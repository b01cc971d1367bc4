/** What hits at a steady rate wait, asked for by a process of their own. */

import { join } from "node:path";
import * as v from "valibot";
import { EXECUTABLE } from "../../tests/support/mesh.ts";

/** The part of what `mir bench --json` says. */
const BENCHED = v.object({ latencyMs: v.object({ p99: v.number() }) });

/** p99 in milliseconds. `started` is called once the process runs. */
export async function hitsP99(
  url: string,
  options: {
    readonly hits: readonly string[];
    readonly perSecond: number;
    readonly seconds: number;
    /** For a file of the hits. */
    readonly dir: string;
    readonly started: () => void;
  },
): Promise<number> {
  const { hits, perSecond, seconds, dir, started } = options;
  const ids = join(dir, "hits.txt");
  await Bun.write(ids, hits.join("\n"));
  const load = ["--ids", ids, "--zipf", "0", "--rate", String(perSecond)];
  const ends = ["--duration", `${seconds}s`, "--json"];
  const bench = Bun.spawn([EXECUTABLE, "bench", url, ...load, ...ends], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started();
  const told = v.parse(BENCHED, await new Response(bench.stdout).json());
  return told.latencyMs.p99;
}
