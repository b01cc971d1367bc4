/** Originals whose records were lost: what comes back is what somebody else has proven. */

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../../src/base/fault.ts";
import { readmitOriginals } from "../../../src/content/readmit.ts";
import type { Origin, OriginOriginal } from "../../../src/origin/port.ts";
import { makeNodeParts, type NodeParts } from "../../support/node-parts.ts";

const NAME = "pi/ct/ur/orig/picture1.jpg";
const BYTES = Buffer.alloc(3 << 20, "an original of three mebibytes; ");
const MODIFIED = 1_700_000_000;

function digest(text: string | Uint8Array): string {
  return Bun.hash.xxHash64(text).toString(16).padStart(16, "0");
}

/** As a store makes it of the ETag it gives most objects. */
function storeValidator(bytes: Uint8Array): string {
  const md5 = createHash("md5").update(bytes).digest("hex");
  return digest(`"${md5}"\n${bytes.length}\n${MODIFIED}`);
}

function stray(node: NodeParts, content: Uint8Array): string {
  const path = join(node.parts.self.cacheDir, NAME);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function originSaying(answer: () => Pick<OriginOriginal, "bytes" | "validator">): Origin {
  const body = {
    read: () => Promise.reject(new Error("its body is not wanted")),
    cancel: () => undefined,
  };
  return {
    name: "a store",
    open: async () => ({ ...answer(), modified: MODIFIED, ext: "jpg", body }),
    put: () => Promise.reject(new Fault("bad_origin", "not here")),
    remove: async () => 0,
  };
}

async function readmit(node: NodeParts, answer: Parameters<typeof originSaying>[0]) {
  const parts = { ...node.parts, origin: originSaying(answer) };
  return readmitOriginals(parts, [NAME], () => false);
}

test("one whose bytes the store proves is there again, unread and with the store's validator", async () => {
  using node = makeNodeParts({ self: "edge-1", edges: ["edge-1"] });
  stray(node, BYTES);
  const validator = storeValidator(BYTES);
  const done = await readmit(node, () => ({ bytes: BYTES.length, validator }));
  expect(done).toEqual({ kept: 1, removed: 0 });
  const { cache } = node.parts;
  expect(cache.look(NAME)).toMatchObject({ bytes: BYTES.length, validator, modified: MODIFIED });
  expect(await cache.inspect(NAME)).toBe("sound");
});

test("so is an upload, whose validator is the digest of its bytes", async () => {
  using node = makeNodeParts({ self: "edge-1", edges: ["edge-1"] });
  stray(node, BYTES);
  const validator = digest(BYTES);
  expect(await readmit(node, () => ({ bytes: BYTES.length, validator }))).toMatchObject({
    kept: 1,
  });
});

test("one with a single other byte, or another length, is unlinked", async () => {
  for (const content of [Buffer.concat([BYTES.subarray(1), Buffer.from("x")]), BYTES.subarray(1)]) {
    using node = makeNodeParts({ self: "edge-1", edges: ["edge-1"] });
    const path = stray(node, content);
    const validator = storeValidator(BYTES);
    const done = await readmit(node, () => ({ bytes: BYTES.length, validator }));
    expect(done).toEqual({ kept: 0, removed: 1 });
    expect(existsSync(path)).toBe(false);
    expect(node.parts.cache.look(NAME)).toBeUndefined();
    expect(node.parts.cache.usage().reservedBytes).toBe(0);
  }
});

test("one that is not there below is unlinked; one that nobody can say anything of now stays", async () => {
  using node = makeNodeParts({ self: "edge-1", edges: ["edge-1"] });
  const path = stray(node, BYTES);
  let asked = 0;
  const origin = originSaying(() => {
    asked++;
    throw new Fault("bad_origin", "the store is away");
  });
  await readmitOriginals({ ...node.parts, origin }, [NAME], () => asked > 0);
  expect(existsSync(path)).toBe(true);
  const gone = (): never => {
    throw new Fault("not_found", "there is no such original");
  };
  expect(await readmit(node, gone)).toEqual({ kept: 0, removed: 1 });
  expect(existsSync(path)).toBe(false);
});

test("what was published under its name meanwhile is left alone", async () => {
  using node = makeNodeParts({ self: "edge-1", edges: ["edge-1"] });
  stray(node, BYTES);
  const { cache } = node.parts;
  const content = Buffer.from("the same picture, fetched again");
  const meta = {
    ...{ relname: NAME, bytes: content.length, validator: digest(content), modified: 1 },
    facts: { width: 0, height: 0, alpha: false, animated: false },
    lossySteps: 0,
  };
  const done = await readmit(node, () => {
    using room = cache.reserve(content.length);
    if (room === undefined) throw new Error("no room");
    const path = cache.tempPath();
    writeFileSync(path, content);
    expect(cache.publish(room, path, meta)).toBe("published");
    return { bytes: BYTES.length, validator: storeValidator(BYTES) };
  });
  expect(done).toEqual({ kept: 0, removed: 0 });
  expect(await cache.inspect(NAME)).toBe("sound");
  expect(cache.look(NAME)?.bytes).toBe(content.length);
});
