/** Bodies that are larger than memory should hold, and bodies that break off. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeOf } from "../support/cache-status.ts";
import { sha256Of, writeLarge } from "../support/large-file.ts";
import { residentBytes } from "../support/memory.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { getRequest, rawExchange, statusOf } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const MIB = 2 ** 20;
const LARGE_BYTES = 200 * MIB;
const GROWTH_MAX = 64 * MIB;

let photos: string;
let large: string;
let medium: string;
let mesh: Mesh;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  large = writeLarge(join(photos, "panorama-large.jpg"), LARGE_BYTES);
  medium = writeLarge(join(photos, "panorama-medium.jpg"), 20 * MIB);
  mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos },
    // what comes from a peer is measured: it is not to come from a copy
    tables: { hot: { replicate: false } },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

describe("large bodies", () => {
  test("200 MB stream edge ← regional ← origin while no process grows by 64 MB", async () => {
    const names = ["edge-1", "edge-2", "regional-1"];
    const before = names.map((name) => residentBytes(mesh.node(name).pid));
    const peak = [...before];
    const outcomes: string[] = [];
    for (const edge of ["edge-1", "edge-2", "edge-1", "edge-2"]) {
      const answer = await mesh.get(edge, "/puddle/panorama-large/orig/a.jpg");
      expect(answer.status).toBe(200);
      outcomes.push(outcomeOf(answer));
      const hasher = new Bun.CryptoHasher("sha256");
      for await (const chunk of answer.body ?? []) {
        hasher.update(chunk);
        names.forEach((name, i) => {
          peak[i] = Math.max(peak[i] ?? 0, residentBytes(mesh.node(name).pid));
        });
      }
      expect(hasher.digest("hex")).toBe(large);
    }
    expect(outcomes).toContain("hit");
    expect(outcomes).toContain("peer");
    names.forEach((name, i) => {
      const grown = (peak[i] ?? 0) - (before[i] ?? 0);
      expect({ name, ok: grown < GROWTH_MAX, grown: Math.round(grown / MIB) }).toMatchObject({
        ok: true,
      });
    });
  }, 120_000);

  test("a range of a large file on disk is exactly those bytes", async () => {
    const source = Bun.file(join(photos, "panorama-large.jpg"));
    for (const edge of ["edge-1", "edge-2"]) {
      const headers = { range: "bytes=150000000-150001999" };
      const answer = await mesh.get(edge, "/puddle/panorama-large/orig/a.jpg", { headers });
      const isWhole = answer.status === 200;
      // streamed from a peer it is not whole here, and a range of that is answered 200 (spec §2)
      if (isWhole) {
        expect(outcomeOf(answer)).toBe("peer");
        expect(await sha256Of(answer)).toBe(large);
        continue;
      }
      expect(answer.status).toBe(206);
      expect(answer.headers.get("content-range")).toBe(`bytes 150000000-150001999/${LARGE_BYTES}`);
      const wanted = await source.slice(150_000_000, 150_002_000).bytes();
      expect(Buffer.compare(await answer.bytes(), wanted)).toBe(0);
    }
  }, 60_000);
});

describe("bodies that break off", () => {
  test("an upstream killed in the middle of 20 MB that nobody else has: a reset, nothing is kept", async () => {
    const { port, cacheDir } = mesh.node("edge-1");
    const regional = mesh.node("regional-1");
    const request = getRequest("/puddle/panorama-medium/orig/a.jpg");
    const answer = await rawExchange({
      port,
      request,
      onBytes: (received) => {
        // what the regional has open is gone for everybody else
        rmSync(join(photos, "panorama-medium.jpg"), { force: true });
        if (received > 1 * MIB) regional.process.kill("SIGKILL");
      },
    });
    expect(statusOf(answer)).toBe(200);
    expect(answer.bytes.length).toBeLessThan(20 * MIB);
    expect(answer.terminated).toBe(false);
    expect(answer.end).toBe("reset");
    for (const edge of ["edge-1", "edge-2"]) {
      const { cacheDir: dir } = mesh.node(edge);
      await until(() => readdirSync(join(dir, ".mir/tmp")).length === 0, "temporary files gone");
      const kept = await Array.fromAsync(new Bun.Glob("**/panorama-medium.*").scan(dir));
      expect(kept).toEqual([]);
    }
    expect(cacheDir.length).toBeGreaterThan(0);
    writeLarge(join(photos, "panorama-medium.jpg"), 20 * MIB);
    await mesh.start("regional-1");
    const whole = await mesh.get("edge-1", "/puddle/panorama-medium/orig/a.jpg");
    expect(await sha256Of(whole)).toBe(medium);
  }, 60_000);
});
