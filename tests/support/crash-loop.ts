/** A node that fills its cache and serves from it, killed at random moments and started again: what clients saw, and what was left. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { membersOf } from "./cache-status.ts";
import { type Mesh, startMesh } from "./mesh.ts";
import { drawJpeg } from "./pictures.ts";
import { until } from "./until.ts";

const PICTURES = 24;
const SIZES = ["orig", "lg", "md", "sm", "xs"] as const;
const AT_ONCE = 8;
/** Answers after which a node is killed, at most. */
const ANSWERS_MAX = 160;
/** One stop in so many is a clean one, so that there are checkpoints, and crashes after them. */
const CLEAN_EVERY = 5;
/** So little that there is always something to evict, and files above a mebibyte among it. */
const CAPACITY = "8MiB";
const LARGE_BYTES = 1.5 * 2 ** 20;

export interface CrashLoop {
  readonly rounds: number;
  readonly whole: number;
  /** Answers that were refused or cut: those in flight when the node died. */
  readonly unanswered: number;
  /** What was not the picture it should be, in words. */
  readonly wrong: readonly string[];
  /** Temporary files that were there after a start. */
  readonly leaked: readonly string[];
  /** From the start of the process to `ready`. */
  readonly startsMs: readonly number[];
  readonly corrupt: number;
}

export async function runCrashLoop(rounds: number, random: () => number): Promise<CrashLoop> {
  using photos = await makePhotos();
  await using mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: photos.dir },
    server: { capacity: CAPACITY, workers: 2 },
  });
  const seen = { whole: 0, unanswered: 0, wrong: [] as string[], leaked: [] as string[] };
  const startsMs: number[] = [];
  let corrupt = 0;
  for (let round = 1; round <= rounds; round++) {
    const load = startLoad(mesh, photos, random, seen);
    const answers = 1 + Math.floor(random() * ANSWERS_MAX);
    await until(() => load.answered() >= answers || seen.wrong.length > 0, "some answers", 60_000);
    corrupt += await mesh.counter("edge-1", "corrupt");
    load.stop();
    await mesh.kill("edge-1", round % CLEAN_EVERY === 0 ? "SIGTERM" : "SIGKILL");
    await load.ended;
    const startedMs = performance.now();
    const { cacheDir } = await mesh.start("edge-1");
    startsMs.push(performance.now() - startedMs);
    seen.leaked.push(...readdirSync(join(cacheDir, ".mir/tmp")));
  }
  return { rounds, ...seen, startsMs, corrupt };
}

interface Photos extends Disposable {
  readonly dir: string;
  /** xxHash64 of originals, by path of their URL. */
  readonly originals: ReadonlyMap<string, string>;
}

async function makePhotos(): Promise<Photos> {
  const dir = mkdtempSync(join(tmpdir(), "mir-photos-"));
  const originals = new Map<string, string>();
  for (let n = 0; n < PICTURES; n++) {
    const jpeg = await drawJpeg({ width: 1300 + n, height: 900 });
    const tail = Buffer.alloc(n % 6 === 0 ? LARGE_BYTES : 10, `${n} `);
    const bytes = Buffer.concat([jpeg, tail]);
    await Bun.write(join(dir, `picture-${n}.jpg`), bytes);
    originals.set(urlOf(n, "orig"), digestOf(bytes));
  }
  return {
    dir,
    originals,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function urlOf(n: number, size: string): string {
  return `/puddle/picture-${n}/${size}/a.jpg`;
}

function digestOf(bytes: Uint8Array): string {
  return Bun.hash.xxHash64(bytes).toString(16).padStart(16, "0");
}

function startLoad(
  mesh: Mesh,
  photos: Photos,
  random: () => number,
  seen: { whole: number; unanswered: number; readonly wrong: string[] },
) {
  let answered = 0;
  let stopped = false;
  const one = async (): Promise<void> => {
    while (!stopped) {
      const size = SIZES[Math.floor(random() * SIZES.length)] ?? "md";
      const path = urlOf(Math.floor(random() ** 2 * PICTURES), size);
      const found = await ask(mesh, photos, path);
      answered++;
      if (found === "whole") seen.whole++;
      else if (found === "unanswered") seen.unanswered++;
      else seen.wrong.push(found);
    }
  };
  const ended = Promise.all(Array.from({ length: AT_ONCE }, one));
  return {
    answered: () => answered,
    ended,
    stop() {
      stopped = true;
    },
  };
}

/** "whole", "unanswered", or what is wrong with it. */
async function ask(mesh: Mesh, photos: Photos, path: string): Promise<string> {
  try {
    const answer = await mesh.get("edge-1", path);
    const bytes = await answer.bytes();
    if (!answer.ok) return "unanswered";
    const digest = digestOf(bytes);
    // what was made here has the digest of its bytes as its validator; an original is known, also in place of another
    const made = answer.headers.get("etag")?.slice(1, 17);
    const original = photos.originals.get(path.replace(/\/\w+\/a\.jpg$/, "/orig/a.jpg"));
    const expected = photos.originals.get(path) ?? made;
    const isStandIn = membersOf(answer).at(-1)?.detail === "stand-in";
    if (digest === expected || (isStandIn && digest === original)) return "whole";
    const [status, length] = ["cache-status", "content-length"].map((h) => answer.headers.get(h));
    return `${path} is ${digest} (${bytes.length} of ${length} bytes) instead of ${expected}: ${status}`;
  } catch {
    // the node was killed with this request in flight
    return "unanswered";
  }
}
