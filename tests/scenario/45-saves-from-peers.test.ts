/** What a node keeps when a peer tells it to: uploads on their way, variants, and what it refuses. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { asFault } from "../../src/base/fault.ts";
import { relnameOf, type VariantMeta } from "../../src/base/variant.ts";
import { sha256OfBody } from "../../src/content/sha256.ts";
import { type Links, makeLinks } from "../../src/mesh/link.ts";
import type { Tell } from "../../src/mesh/tell.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { sha256Of, UPLOAD_KEY, upload } from "../support/uploads.ts";
import { watchedParts } from "../support/watched-parts.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

interface ServerTable {
  readonly private: readonly { readonly port: number }[];
}

const DEADLINE = { deadlineMs: 20_000 };
let dir: string;
let mesh: Mesh;
let links: Links;
let picture: Uint8Array;
let path: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "mir-saves-"));
  picture = await drawJpeg({ width: 640, height: 480 });
  path = join(dir, "picture");
  writeFileSync(path, picture);
  mesh = await startMesh({
    edges: ["edge-1"],
    regionals: ["regional-1"],
    origin: { origin_dir: dir },
  });
  const { levels } = Bun.TOML.parse(readFileSync(mesh.topologyFile, "utf8")) as {
    readonly levels: readonly { readonly servers: readonly ServerTable[] }[];
  };
  const port = levels[1]?.servers[0]?.private[0]?.port ?? 0;
  const { counters, log } = watchedParts();
  links = makeLinks({
    ...{ self: "edge-1", epoch: "0".repeat(16), counters, log, clock: systemClock },
    addresses: () => [{ host: "127.0.0.1", port }],
  });
});

afterAll(async () => {
  links?.close();
  await mesh?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

function metaOf(relname: string, more: Partial<VariantMeta> = {}): VariantMeta {
  const facts = { width: 640, height: 480, alpha: false, animated: false };
  const validator = Bun.hash.xxHash64(picture).toString(16).padStart(16, "0");
  const bytes = picture.length;
  return { relname, bytes, validator, modified: 1_700_000_000, facts, lossySteps: 0, ...more };
}

function nameOf(id: string, size = "orig", ext = "jpg"): string {
  return relnameOf({ id, size, ext });
}

async function refusal(message: Tell): Promise<string> {
  try {
    await links.tell("regional-1", message, DEADLINE);
    return "kept";
  } catch (error) {
    return asFault(error).code;
  }
}

const inStore = (relname: string): Promise<void> =>
  until(() => existsSync(join(dir, relname)), `${relname} in the store`);

describe("a Save", () => {
  test("of an original is kept, acknowledged, and handed on into the store", async () => {
    const relname = nameOf("saved-original");
    const message = { kind: "save", meta: metaOf(relname), path } as const;
    const upload = { sha256: sha256Of(picture), webId: "a.photo" };
    expect(await links.tell("regional-1", { ...message, upload }, DEADLINE)).toMatchObject({
      note: "stored",
      detail: { propagated: "queued" },
    });
    await inStore(relname);
    expect(sha256Of(readFileSync(join(dir, relname)))).toBe(sha256Of(picture));
    const again = await links.tell("regional-1", { ...message, upload }, DEADLINE);
    expect(again.note).toBe("already");
  });

  test("of an original that says nothing of itself is looked at first", async () => {
    const relname = nameOf("saved-unknown");
    const facts = { width: 0, height: 0, alpha: false, animated: false };
    const message = { kind: "save", meta: metaOf(relname, { facts }), path } as const;
    expect(await refusal(message)).toBe("kept");
    await inStore(relname);
    const small = await mesh.get("edge-1", "/puddle/saved-unknown/sm/a.webp");
    expect(small.status).toBe(200);
    await small.bytes();
  });

  test("of another variant goes into the cache and no further", async () => {
    const relname = nameOf("saved-variant", "md");
    expect(await refusal({ kind: "save", meta: metaOf(relname), path })).toBe("kept");
    const { cacheDir } = mesh.node("regional-1");
    expect(existsSync(join(cacheDir, relname))).toBe(true);
    expect(existsSync(join(dir, relname))).toBe(false);
  });

  test("of a variant is refused where its size says something else", async () => {
    const save = { kind: "save", meta: metaOf(nameOf("other-shape", "md")), path } as const;
    expect(await refusal({ ...save, shape: "600x600 inside" })).toBe("bad_size");
    expect(await refusal({ ...save, shape: "1024x768 cover" })).toBe("bad_size");
    expect(await refusal({ ...save, shape: "1024x768 inside" })).toBe("kept");
    expect(await mesh.counter("regional-1", "shape_mismatch")).toBe(2);
  });

  test("is refused where its content is not what was announced", async () => {
    const before = (await mesh.status("regional-1")).cache.variants;
    const save = { kind: "save", path } as const;
    const wrongDigest = { sha256: "0".repeat(64) };
    const meta = metaOf(nameOf("refused-original"));
    expect(await refusal({ ...save, meta, upload: wrongDigest })).toBe("bad_digest");
    expect(await refusal({ ...save, meta: metaOf(nameOf("refused-ext", "orig", "png")) })).toBe(
      "wrong_ext",
    );
    expect(await refusal({ ...save, meta: metaOf(nameOf("refused-size", "zz")) })).toBe("bad_size");
    const conflicting = metaOf(nameOf("saved-original"));
    const otherPath = join(dir, "other");
    const other = await drawJpeg({ width: 64, height: 48 });
    writeFileSync(otherPath, other);
    const otherMeta = { ...conflicting, bytes: other.length };
    expect(await refusal({ kind: "save", meta: otherMeta, path: otherPath })).toBe("conflict");
    expect((await mesh.status("regional-1")).cache.variants).toBe(before);
    expect(readdirSync(join(mesh.node("regional-1").cacheDir, ".mir/tmp"))).toEqual([]);
  });

  test("makes a picture that was just found missing be found", async () => {
    const relname = nameOf("was-missing-1");
    const ask = async (): Promise<string> => {
      try {
        const { body } = await links.ask("regional-1", {
          relname,
          role: "owner",
          hops: 1,
          ...DEADLINE,
        });
        return (await sha256OfBody(body)) === sha256Of(picture) ? "found" : "wrong";
      } catch (error) {
        return asFault(error).code;
      }
    };
    expect(await ask()).toBe("not_found");
    expect(await refusal({ kind: "save", meta: metaOf(relname), path })).toBe("kept");
    expect(await ask()).toBe("found");
  });
});

describe("a Rebalance", () => {
  test("without an upload stays at this level; with one the owner hands it on", async () => {
    const plain = metaOf(nameOf("rebalanced-1"));
    expect(await refusal({ kind: "rebalance", meta: plain, path })).toBe("kept");
    const uploaded = metaOf(nameOf("rebalanced-2"));
    const upload = { sha256: sha256Of(picture) };
    expect(await refusal({ kind: "rebalance", meta: uploaded, path, upload })).toBe("kept");
    await inStore(uploaded.relname);
    expect(existsSync(join(dir, plain.relname))).toBe(false);
  });
});

describe("legacy nodes", () => {
  test("below: what they were given is read back before it is let go", async () => {
    const store = mkdtempSync(join(tmpdir(), "mir-store-"));
    await using old = await startMesh({
      edges: ["edge-1", "edge-2"],
      regionals: ["regional-1"],
      origin: { origin_dir: store },
      serverOf: (name) => (name === "regional-1" ? { legacy: true } : {}),
      env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
    });
    const done = await upload(old.node("edge-1").url, picture, { contentId: "through-legacy" });
    expect(done.status).toBe(201);
    await until(() => existsSync(join(store, done.relname ?? "")), "in the store");
    const counted = async (): Promise<number> => {
      const all = await Promise.all(
        ["edge-1", "edge-2"].map(async (name) => (await old.status(name)).outbox.pending),
      );
      return all.reduce((a, b) => a + b);
    };
    await until(async () => (await counted()) === 0, "nothing waits at the edge");
    rmSync(store, { recursive: true, force: true });
  });

  test("beside: the node that was asked vouches for the picture and shows it to the owner", async () => {
    const store = mkdtempSync(join(tmpdir(), "mir-store-"));
    await using old = await startMesh({
      edges: ["edge-1", "edge-2"],
      origin: { origin_dir: store },
      serverOf: (name) => (name === "edge-2" ? { legacy: true } : {}),
      env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
    });
    for (let n = 0; n < 6; n++) {
      const contentId = `beside-legacy-${n}`;
      const done = await upload(old.node("edge-1").url, picture, { contentId });
      expect(done.status).toBe(201);
      for (const edge of ["edge-1", "edge-2"]) {
        const served = await old.get(edge, `/puddle/${contentId}/orig/a.jpg`);
        expect([served.status, sha256Of(await served.bytes())]).toEqual([200, sha256Of(picture)]);
      }
      await until(() => existsSync(join(store, done.relname ?? "")), "in the store");
    }
    rmSync(store, { recursive: true, force: true });
  });
});
