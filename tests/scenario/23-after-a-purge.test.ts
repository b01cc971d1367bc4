/** The seconds after a purge: what was read again is shown in every size, whatever becomes of it. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { outcomeOf } from "../support/cache-status.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

/** Slack and sweep are over then (PURGE_SLACK_SECONDS, and a look a second). */
const WATCHED_MS = 8500;
const ASK_EACH_MS = 50;
const BOXES = Array.from(
  { length: WATCHED_MS / ASK_EACH_MS + 10 },
  (_, n) => `${100 + 2 * n}x${100 + 2 * n}`,
);

const photos = makeTempDir();
let mesh: Mesh;

beforeAll(async () => {
  await writePicture(photos.path, "harbour.jpg", { width: 900, height: 700 });
  mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: photos.path },
    tables: { image: { policy: "exact", exact_sizes: BOXES } },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

test("no size that is asked for in them is refused, or another in its place", async () => {
  await (await mesh.get("edge-1", "/puddle/harbour/lg/a.jpg")).bytes();
  const where = ["--topology", mesh.topologyFile, "--server", "edge-1"];
  const purge = Bun.spawnSync([EXECUTABLE, "purge", "harbour", ...where]);
  expect(purge.exitCode).toBe(0);
  const startMs = performance.now();
  const told: string[] = [];
  const boxes = [...BOXES];
  while (performance.now() - startMs < WATCHED_MS) {
    const box = boxes.shift();
    if (box === undefined) throw new Error("more boxes are needed");
    const answer = await mesh.get("edge-1", `/puddle/harbour/${box}/a.jpg`);
    await answer.bytes();
    told.push(`${answer.status} ${outcomeOf(answer)}`);
    // no more often than there are boxes for
    const nextMs = startMs + told.length * ASK_EACH_MS;
    await until(() => performance.now() >= nextMs);
  }
  expect([...new Set(told)].filter((one) => !/^200 (?:generated|origin|hit)$/.test(one))).toEqual(
    [],
  );
}, 60_000);
