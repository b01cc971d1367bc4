/**
 * Uploads while nodes of every level are killed again and again: what was acknowledged reaches the store.
 * `MIR_UPLOADS=1000 bun test tests/scenario/42-uploads-and-kills.test.ts` makes a thousand (some minutes);
 * `MIR_SEED` repeats the order of a run.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { sha256Of, UPLOAD_KEY, type UploadAnswer, upload } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const NODES = [...EDGES, ...REGIONALS];

const UPLOADS = Number(process.env["MIR_UPLOADS"] ?? 60);
const SEED = Number(process.env["MIR_SEED"] ?? Date.now() % 1_000_000);
/** Uploads under way at once. */
const CLIENTS = 4;
/** Attempts at one upload, each at another edge: a node takes a second or two to come back. */
const ATTEMPTS_MAX = 400;
const WITHIN_MS = 60_000 + UPLOADS * 1000;

let store: string;
let mesh: Mesh;
let base: Uint8Array;

beforeAll(async () => {
  base = await drawJpeg({ width: 640, height: 480 });
  store = mkdtempSync(join(tmpdir(), "mir-store-"));
  mesh = await startMesh({
    edges: EDGES,
    regionals: REGIONALS,
    origin: { origin_dir: store },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(store, { recursive: true, force: true });
});

function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * below);
  };
}

/** What follows the end of a JPEG is no part of the picture, and makes each of them another one. */
function pictureOf(n: number): Uint8Array {
  return Buffer.concat([base, Buffer.from(`picture ${n} of ${SEED} `.repeat(1 + (n % 7) * 500))]);
}

interface Acknowledged {
  readonly relname: string;
  readonly sha256: string;
}

/** Tries edge after edge until one acknowledges; what it refuses for good is a failure of the test. */
async function uploadUntilTaken(
  n: number,
  random: (below: number) => number,
): Promise<Acknowledged> {
  const picture = pictureOf(n);
  const sha256 = sha256Of(picture);
  const meta =
    n % 2 === 0 ? { digest: sha256 } : { digest: sha256, contentId: `upload-number-${n}` };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const edge = EDGES[random(EDGES.length)] ?? "edge-1";
    const answer = await tryUpload(mesh.node(edge).url, picture, meta);
    if (answer === undefined || answer.status >= 500) {
      await turns(random(2000));
      continue;
    }
    expect(answer).toMatchObject({ bytes: picture.length, digest: sha256 });
    return { relname: answer.relname ?? "", sha256 };
  }
  throw new Error(`upload ${n} was never acknowledged (seed ${SEED})`);
}

/** undefined when the node went away. */
async function tryUpload(
  url: string,
  picture: Uint8Array,
  meta: Readonly<Record<string, unknown>>,
): Promise<UploadAnswer | undefined> {
  try {
    return await upload(url, picture, meta);
  } catch {
    return undefined;
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("uploads while nodes are killed", () => {
  test(
    `each of ${UPLOADS} that is acknowledged is in the store in the end, byte for byte`,
    async () => {
      const random = makeRandom(SEED);
      const acknowledged: Acknowledged[] = [];
      let next = 0;
      const client = async (): Promise<void> => {
        while (next < UPLOADS) acknowledged.push(await uploadUntilTaken(next++, random));
      };
      let kills = 0;
      const killer = async (): Promise<void> => {
        while (acknowledged.length < UPLOADS) {
          const wanted = acknowledged.length + 1 + random(4);
          await until(
            () => acknowledged.length >= Math.min(wanted, UPLOADS),
            "uploads go on",
            WITHIN_MS,
          );
          await turns(random(300));
          const victim = NODES[random(NODES.length)] ?? "edge-1";
          await mesh.kill(victim);
          kills++;
          await mesh.start(victim);
        }
      };
      await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
      const missing = (): Acknowledged[] =>
        acknowledged.filter(({ relname }) => !existsSync(join(store, relname)));
      await until(() => missing().length === 0, `seed ${SEED}: all in the store`, WITHIN_MS);
      const wrong = acknowledged.filter(
        ({ relname, sha256 }) => sha256Of(readFileSync(join(store, relname))) !== sha256,
      );
      expect({ wrong, kills: kills > 0, seed: SEED }).toEqual({
        wrong: [],
        kills: true,
        seed: SEED,
      });
    },
    2 * WITHIN_MS,
  );

  test(
    "nothing waits any more, nothing was set aside, and no temporary file is left",
    async () => {
      for (const name of NODES) {
        const unix = join(mesh.node(name).cacheDir, ".mir/admin.sock");
        const metrics = async (): Promise<string> =>
          (await fetch("http://admin/metrics", { unix })).text();
        const empty = async (): Promise<boolean> =>
          (await metrics()).includes("\nmir_outbox_pending 0\n");
        await until(empty, `${name}: an empty outbox`, WITHIN_MS);
        expect(await metrics()).toContain("\nmir_outbox_aside 0\n");
        await until(
          () => readdirSync(join(mesh.node(name).cacheDir, ".mir/tmp")).length === 0,
          name,
        );
      }
    },
    WITHIN_MS,
  );
});
