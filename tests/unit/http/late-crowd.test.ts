/** Many who have waited for one picture: answered in one turn from one reading of its file. */

import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { HIT, type Served } from "../../../src/content/served.ts";
import {
  ask,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  patternOf,
} from "../../support/picture-site.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const BYTES = 50_000;
const MADE = { ...HIT, source: "generated", stored: true } as const;
const dir = makeTempDir();
afterAll(() => dir[Symbol.dispose]());

/** Each waiter gets what `served` gives it, as soon as the gate opens. */
function crowdOf(served: () => Served, size: number) {
  const gate = Promise.withResolvers<void>();
  const site = makePictureSite(() => gate.promise.then(served));
  const answers = Array.from({ length: size }, () => site.handler(ask(PICTURE_PATH)));
  return { site, gate, answers: Promise.all(answers) };
}

function fileOf(name: string, validator = "0123456789abcdef", seed = 0): Served {
  const path = dir.write(name, patternOf(BYTES + seed).subarray(seed));
  return { kind: "file", meta: { ...metaOf(BYTES), validator }, outcome: MADE, path };
}

async function bodies(answers: readonly Response[]): Promise<readonly Uint8Array[]> {
  return Promise.all(answers.map((answer) => answer.bytes()));
}

describe("a crowd that has waited for one picture", () => {
  test("is answered whole, each of them, though the file goes after the first of them", async () => {
    const served = fileOf("crowd.jpg");
    const site = makePictureSite(async () => served);
    // nothing but promises is waited for, so that all are of one turn
    const first = await site.handler(ask(PICTURE_PATH));
    rmSync(join(dir.path, "crowd.jpg"));
    const others = Array.from({ length: 20 }, () => site.handler(ask(PICTURE_PATH)));
    for (const body of await bodies([first, ...(await Promise.all(others))])) {
      expect(body).toEqual(patternOf(BYTES));
    }
  });

  test("has the same headers, apart for who did not lead", async () => {
    const served = fileOf("headers.jpg");
    let turns = 0;
    const { gate, answers } = crowdOf(
      () => ({ ...served, outcome: { ...MADE, collapsed: turns++ > 0 } }),
      3,
    );
    gate.resolve();
    const statuses = (await answers).map(({ headers }) => headers.get("cache-status"));
    const led = "mir-edge-1; fwd=uri-miss; detail=generated; stored";
    const joined = "mir-edge-1; fwd=uri-miss; detail=generated; collapsed; stored";
    expect(statuses).toEqual([led, joined, joined]);
  });

  test("is given other bytes under the same name where they are others", async () => {
    const served = [fileOf("same.jpg")];
    const site = makePictureSite(async () => served[0] as Served);
    // nothing but promises is waited for, so that both are of one turn
    const first = await site.handler(ask(PICTURE_PATH));
    served[0] = fileOf("same.jpg", "fedcba9876543210", 1);
    const second = await site.handler(ask(PICTURE_PATH));
    const contents = [patternOf(BYTES), patternOf(BYTES + 1).subarray(1)];
    expect(await bodies([first, second])).toEqual(contents);
  });

  test("leaves nothing to who comes after it: a file that has gone is a miss", async () => {
    const served = fileOf("gone.jpg");
    const { site, gate, answers } = crowdOf(() => served, 2);
    gate.resolve();
    await answers;
    rmSync(join(dir.path, "gone.jpg"));
    await setImmediate();
    expect((await site.handler(ask(PICTURE_PATH))).status).toBe(503);
  });
});
