/** An original that is asked for while it is still being copied into the origin's folder. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let photos: TempDir;
let mesh: Mesh;
let whole: Uint8Array;

beforeAll(async () => {
  photos = makeTempDir();
  // a PNG: its sides are read from any part of it, and it is its pixels that are missed
  whole = await Bun.file(
    await writePicture(photos.path, "whole.png", { width: 1600, height: 1200 }),
  ).bytes();
  mesh = await startMesh({
    edges: ["edge-1"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
    // each remembers for itself
    server: { workers: 1 },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos?.[Symbol.dispose]();
});

function copied(id: string, bytes: number): void {
  writeFileSync(join(photos.path, `${id}.png`), whole.subarray(0, bytes));
}

async function statusOf(path: string): Promise<number> {
  const answer = await mesh.get("edge-1", path);
  await answer.bytes();
  return answer.status;
}

async function bytesOf(path: string): Promise<number> {
  return (await (await mesh.get("edge-1", path)).bytes()).length;
}

/** The regional remembers no refusal any more, as a minute later, and has what is on its disk. */
async function forgetRefusals(): Promise<void> {
  await mesh.kill("regional-1");
  await mesh.start("regional-1");
  await until(async () => {
    const { peers } = await mesh.status("edge-1");
    return peers.some(({ name, state }) => name === "regional-1" && state === "up");
  });
}

/** What the other nodes hear of comes after the answer. */
async function wholeEverywhere(id: string): Promise<void> {
  await until(async () => (await statusOf(`/puddle/${id}/md/a.jpg`)) === 200);
  await until(async () => (await bytesOf(`/puddle/${id}/orig/a.png`)) === whole.length);
}

const HALF = (): number => Math.floor(whole.length / 2);

describe("an original that was asked for half written", () => {
  test("is read again by the first attempt that fails, and no node goes on with the half", async () => {
    copied("slow01", HALF());
    expect(await bytesOf("/puddle/slow01/orig/a.png")).toBe(HALF());

    copied("slow01", whole.length);
    const small = await mesh.get("edge-1", "/puddle/slow01/sm/a.jpg");
    expect(small.status).toBe(200);
    expect(await pictureOf(small)).toMatchObject({ format: "jpeg" });
    await wholeEverywhere("slow01");
    expect(mesh.node("regional-1").log()).toContain("the origin has another original");
  });

  test("is, after it was refused, read again when the refusal is over", async () => {
    copied("slow02", HALF());
    expect(await statusOf("/puddle/slow02/md/a.jpg")).toBe(422);
    expect(await bytesOf("/puddle/slow02/orig/a.png")).toBe(HALF());

    copied("slow02", whole.length);
    expect(await statusOf("/puddle/slow02/sm/a.jpg")).toBe(422);
    await forgetRefusals();
    expect(await statusOf("/puddle/slow02/lg/a.jpg")).toBe(200);
    await wholeEverywhere("slow02");
  });

  test("is not believed by an edge that has it and knows its sides: it asks below", async () => {
    copied("slow03", HALF());
    expect(await bytesOf("/puddle/slow03/orig/a.png")).toBe(HALF());
    // what it is made as depends on what the picture is: the edge learns that before it fails
    const accept = { headers: { accept: "image/avif,image/webp,*/*" } };
    const auto = await mesh.get("edge-1", "/puddle/slow03/md/a.auto", accept);
    expect(auto.status).toBe(422);
    expect(await bytesOf("/puddle/slow03/orig/a.png")).toBe(HALF());

    copied("slow03", whole.length);
    await forgetRefusals();
    expect(await statusOf("/puddle/slow03/sm/a.jpg")).toBe(200);
    await wholeEverywhere("slow03");
  });

  test("costs the origin one look in the life of a refusal, and no read, while it is the same", async () => {
    copied("slow04", HALF());
    expect(await statusOf("/puddle/slow04/md/a.jpg")).toBe(422);
    await forgetRefusals();
    const before = await counts();
    expect(await statusOf("/puddle/slow04/sm/a.jpg")).toBe(422);
    const looked = await counts();
    expect(looked.probes).toBeGreaterThan(before.probes);
    for (const path of ["lg/a.jpg", "xl/a.jpg", "md/a.webp", "sm/a.webp"]) {
      expect(await statusOf(`/puddle/slow04/${path}`)).toBe(422);
    }
    expect(await counts()).toEqual({ probes: looked.probes, gets: before.gets });
  });
});

async function counts(): Promise<{ readonly probes: number; readonly gets: number }> {
  const probes = await mesh.counter("regional-1", "origin_probe");
  const gets = await mesh.counter("regional-1", "origin_get");
  return { probes, gets };
}
