/** Image work handed to the service of `thumbnail_endpoint`: used, missed, left alone, used again. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BREAKER } from "../../src/base/breaker.ts";
import { heicHeader, startImageService } from "../support/image-service.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { until } from "../support/until.ts";

let photos: string;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  for (let i = 0; i < 12; i++) {
    await writePicture(photos, `field-${i}.jpg`, { width: 900, height: 600 });
  }
  for (let i = 0; i < 3; i++) {
    // what a picture is its bytes tell, not its name
    await Bun.write(join(photos, `phone-${i}.jpg`), heicHeader({ width: 4032, height: 3024 }));
  }
});
afterAll(() => rmSync(photos, { recursive: true, force: true }));

const start = (endpoint: string): Promise<Mesh> =>
  startMesh({
    edges: ["edge-1"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos },
    tables: { services: { thumbnail_endpoint: endpoint } },
  });

describe("an image service", () => {
  test("makes what is asked for, and what cannot be decoded here", async () => {
    using service = startImageService();
    await using mesh = await start(service.url);
    const first = await mesh.get("edge-1", "/puddle/field-0/sm/a.webp");
    expect(await pictureOf(first)).toMatchObject({ format: "webp", width: 320, height: 213 });
    expect(service.asked[0]).toMatchObject({
      width: 320,
      height: 213,
      format: "webp",
      quality: 79,
    });
    const phone = await mesh.get("edge-1", "/puddle/phone-0/md/a.jpg");
    expect(phone.status).toBe(200);
    expect(await pictureOf(phone)).toMatchObject({ format: "jpeg", width: 1024, height: 768 });
    const hit = await mesh.get("edge-1", "/puddle/phone-0/md/a.jpg");
    expect(hit.headers.get("cache-status")).toContain("hit");
    await hit.bytes();
    // what is made from what it made needs no service
    expect((await mesh.get("edge-1", "/puddle/phone-0/xs/a.jpg")).status).toBe(200);
    const orig = await mesh.get("edge-1", "/puddle/phone-0/orig/a.heic");
    expect(orig.headers.get("content-type")).toBe("image/heic");
    await orig.bytes();
    expect(await mesh.counter("regional-1", "delegated")).toBeGreaterThanOrEqual(2);
  }, 60_000);

  test("that fails is left alone; image workers do its work; when it is back it is used again", async () => {
    using service = startImageService();
    await using mesh = await start(service.url);
    service.misbehave = () => new Response("out of order", { status: 500 });
    for (let i = 0; i < BREAKER.errorsMax + 2; i++) {
      const answer = await mesh.get("edge-1", `/puddle/field-${i}/sm/a.jpg`);
      expect(await pictureOf(answer)).toMatchObject({ format: "jpeg", width: 320, height: 213 });
    }
    // the breaker may have let one trial through on a slow machine
    expect(service.asked.length).toBeLessThanOrEqual(BREAKER.errorsMax + 1);
    const phone = await mesh.get("edge-1", "/puddle/phone-1/md/a.jpg");
    expect(phone.status).toBe(503);
    expect(phone.headers.get("retry-after")).not.toBeNull();
    await phone.bytes();
    service.misbehave = undefined;
    await until(async () => {
      const answer = await mesh.get("edge-1", "/puddle/phone-1/md/a.jpg");
      await answer.bytes();
      return answer.status === 200;
    }, "it is asked again");
    const failed = await mesh.counter("regional-1", "delegate_failed");
    expect(failed).toBeGreaterThanOrEqual(BREAKER.errorsMax);
  }, 60_000);

  test("without one a HEIC is refused, and a client is told what to do about it", async () => {
    await using mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos } });
    const answer = await mesh.get("edge-1", "/puddle/phone-2/md/a.jpg");
    expect(answer.status).toBe(422);
    const { error } = (await answer.json()) as { error: Record<string, string> };
    // the service is the operator's affair, and nothing that a client can do
    expect(error).toMatchObject({ code: "heic_unsupported", hint: "use the picture as jpg" });
  }, 60_000);
});
