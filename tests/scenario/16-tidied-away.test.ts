/** Folders of the cache that somebody removes under a node that runs. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const PICTURES = 16;

let photos: string;
let answered = 0;
let mesh: Mesh;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  const jpeg = await drawJpeg({ width: 1100, height: 700 });
  for (let n = 0; n < PICTURES; n++) {
    // as many folders as pictures, the long ones streamed
    const tail = Buffer.alloc(n % 2 === 0 ? 10 : 2 << 20, `${n} `);
    writeFileSync(join(photos, `k${n}picture.jpg`), Buffer.concat([jpeg, tail]));
  }
  mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: photos },
    server: { workers: 2 },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

function removeCached(): void {
  const { cacheDir } = mesh.node("edge-1");
  for (const name of readdirSync(cacheDir).filter((one) => one.startsWith("k"))) {
    rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

async function askAll(sizes: readonly string[]): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  const paths = Array.from({ length: PICTURES }, (_, n) => n).flatMap((n) =>
    sizes.map((size) => `/puddle/k${n}picture/${size}/a.jpg`),
  );
  for (let at = 0; at < paths.length; at += 8) {
    await Promise.all(
      paths.slice(at, at + 8).map(async (path) => {
        const outcome = await statusOf(path);
        statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      }),
    );
  }
  return statuses;
}

async function statusOf(path: string): Promise<string> {
  const answer = await mesh.get("edge-1", path);
  const bytes = await answer.bytes().catch(() => undefined);
  answered++;
  if (bytes === undefined) return "cut";
  return answer.status === 200 ? "200" : `${answer.status} ${Buffer.from(bytes).toString()}`;
}

describe("cached folders that are removed under a running node", () => {
  test("cost misses, never a failure", async () => {
    const sizes = ["orig", "lg", "md", "xs"];
    const all = { 200: PICTURES * sizes.length };
    expect(await askAll(sizes)).toEqual(all);
    for (let round = 0; round < 2; round++) {
      removeCached();
      expect(await askAll(sizes)).toEqual(all);
      removeCached();
      // made of something else than was there
      expect(await askAll(["sm", "lg"])).toEqual({ 200: PICTURES * 2 });
    }
  });

  test("also while it is written to", async () => {
    const sizes = ["orig", "lg", "md", "xs"];
    answered = 0;
    const asked = Promise.all([askAll(sizes), askAll(["sm", "md"])]);
    for (let tenth = 1; tenth < 10; tenth++) {
      await until(() => answered >= (PICTURES * 6 * tenth) / 10, "some answers");
      removeCached();
    }
    const both = await asked;
    expect(both).toEqual([{ 200: PICTURES * 4 }, { 200: PICTURES * 2 }]);
  });
});
