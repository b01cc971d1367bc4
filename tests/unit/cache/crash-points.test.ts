/** A node that ends at any moment, however its disk is left: what it says afterwards is true, byte for byte. */

import { describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../../src/base/clock.ts";
import type { VariantMeta } from "../../../src/base/variant.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { takeCheckpoint } from "../../../src/cache/checkpoint.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  type CacheOptions,
  makeCacheDir,
  metaOf,
  variantsBelow,
  walkBytes,
} from "../../support/cache-dir.ts";

/** `MIR_CRASH_POINTS=all` takes every byte and a thousand histories: some minutes. */
const ALL = process.env["MIR_CRASH_POINTS"] === "all";
const LONGEST_MS = ALL ? 900_000 : 60_000;

const IDS = ["abcdefgh", "a-very-long-id-of-forty-characters-in-all", "ab_cd_ef12"];
const NAMES = IDS.flatMap((id) =>
  ["orig", "md"].map(
    (size) => `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/${size}/${id}.jpg`,
  ),
);

/** Unix seconds; a step takes twenty of them, so that what comes after a purge is newer beyond doubt. */
const START = systemClock.wallSeconds() - 1000;

/** What may be on disk under a validator. */
type Contents = Map<string, Buffer>;

interface Model {
  readonly made: CacheDir;
  readonly contents: Contents;
  /** Live, by relname. */
  readonly live: Map<string, VariantMeta>;
  /** Validators of what was published before a purge of its id. */
  readonly purged: Set<string>;
  /** What was there last of a name that is not. */
  readonly removed: Map<string, Buffer>;
  /** Files of `.mir` before the last checkpoint took their place. */
  before: Map<string, Buffer>;
  step: number;
}

function startModel(options: CacheOptions = {}): Model {
  const made = makeCacheDir({ capacityBytes: 1 << 20, slots: 64, ...options });
  const nothing = { contents: new Map(), live: new Map(), purged: new Set<string>() };
  const removed = new Map<string, Buffer>();
  return { made, ...nothing, removed, before: new Map(), step: 0 };
}

const step = fc.record({
  what: fc.constantFrom("put", "put", "put", "forget", "learn", "purge", "checkpoint"),
  name: fc.nat({ max: NAMES.length - 1 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(model: Model, { what, name }: Step): Promise<void> {
  const relname = NAMES[name] ?? "";
  model.step++;
  switch (what) {
    case "put":
      return putNext(model, relname);
    case "forget":
      remove(model, relname);
      return;
    case "learn": {
      const facts = { width: model.step, height: 7, alpha: true, animated: false };
      model.made.cache.learn(relname, facts);
      const meta = model.live.get(relname);
      if (meta !== undefined) model.live.set(relname, { ...meta, facts });
      return;
    }
    case "purge":
      return purge(model, relname.slice(relname.lastIndexOf("/") + 1, -4));
    default:
      model.before = filesOf(join(model.made.dir, ".mir"));
      await checkpoint(model.made);
  }
}

/** Every publishing has bytes of its own; of one length, so that only the digest tells them apart. */
function putNext({ made, contents, live, step: n }: Model, relname: string): void {
  if (live.has(relname)) return;
  const content = Buffer.alloc(600, `${relname} ${n}; `);
  const meta = metaOf(relname, content.length, {
    validator: n.toString(16).padStart(16, "0"),
    sourceAt: START + n * 20 + 10,
  });
  using room = made.cache.reserve(content.length);
  if (room === undefined) throw new Error("no room");
  const path = made.cache.tempPath();
  writeFileSync(path, content);
  if (made.cache.publish(room, path, meta) !== "published") throw new Error("not published");
  contents.set(meta.validator, content);
  const { sourceAt: _, ...kept } = meta;
  live.set(relname, kept);
}

function remove({ made, live, contents, removed }: Model, relname: string): void {
  const content = contents.get(live.get(relname)?.validator ?? "");
  if (content !== undefined) removed.set(relname, content);
  made.cache.forget(relname);
  live.delete(relname);
}

/** As main does: tombstone first, then all that is here of the id. */
function purge(model: Model, id: string): void {
  const { made, live, purged, step: n } = model;
  const purgedAt = START + n * 20;
  made.restored.tombstones.apply([{ id, purgedAt, action: "purge" }]);
  for (const [relname, meta] of live) {
    if (!relname.includes(id)) continue;
    purged.add(meta.validator);
    remove(model, relname);
  }
  made.restored.tombstones.reached(id, "swept");
}

async function checkpoint({ memory, dir, restored }: CacheDir): Promise<void> {
  const { tombstones } = restored;
  const options = { memory, dir, tombstones, log: silentLog, clock: systemClock };
  expect(await takeCheckpoint({ ...options, idleBytes: 0 })).toBe(true);
}

function filesOf(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder).filter((name) => /^(journal\.\d+|checkpoint)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** The directory as a crash at this moment leaves it. */
class Crashed implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "mir-crash-"));

  constructor(made: CacheDir) {
    cpSync(made.dir, this.dir, { recursive: true, filter: (path) => !path.endsWith("/lock") });
  }

  get meta(): string {
    return join(this.dir, ".mir");
  }

  lastJournal(): string {
    const names = readdirSync(this.meta).filter((name) => name.startsWith("journal."));
    const last = names.map((name) => Number(name.slice(8))).sort((a, b) => b - a)[0];
    return join(this.meta, `journal.${last}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What a start may say, and what it may not, after whatever crash. */
function expectTrue(model: Pick<Model, "contents" | "purged">, again: CacheDir): string[] {
  const here: string[] = [];
  for (const relname of NAMES) {
    const meta = again.cache.look(relname);
    if (meta === undefined) continue;
    here.push(relname);
    expect(model.purged.has(meta.validator)).toBe(false);
    const content = model.contents.get(meta.validator);
    expect(content?.equals(readFileSync(again.cache.pathOf(relname)))).toBe(true);
  }
  expect(checkIndex(again.memory)).toEqual([]);
  expect(variantsBelow(again.dir).sort()).toEqual(here.sort());
  expect(again.cache.usage().bytes).toBe(walkBytes(again.dir));
  expect(readdirSync(join(again.dir, ".mir/tmp"))).toEqual([]);
  return here;
}

const crash = fc.constantFrom("killed", "before rename", "before removal", "power lost");

describe("whatever was done before", () => {
  test(
    "a process that is killed loses nothing that it had published, and nothing comes back",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 24 }),
          crash,
          fc.nat(),
          async (steps, how, chance) => {
            const model = startModel();
            using made = model.made;
            for (const one of steps) await take(model, one);
            using crashed = new Crashed(made);
            spoil(model, crashed, how, chance);
            const boot = how === "power lost" ? { boot: "another" } : {};
            using again = makeCacheDir({ slots: 64, dir: crashed.dir, ...boot });
            const here = expectTrue(model, again);
            if (how === "power lost") return;
            expect(here).toEqual([...model.live.keys()].sort());
            for (const [relname, meta] of model.live)
              expect(again.cache.peek(relname)).toEqual(meta);
          },
        ),
        { numRuns: ALL ? 1000 : 40 },
      );
    },
    LONGEST_MS,
  );
});

/** What a moment inside a checkpoint, or a loss of power, makes of the files. */
function spoil(model: Model, crashed: Crashed, how: string, chance: number): void {
  if (how === "before rename" || how === "before removal") {
    for (const [name, bytes] of model.before) {
      if (name !== "checkpoint" || how === "before rename") {
        writeFileSync(join(crashed.meta, name), bytes);
      }
    }
    const had = model.before.size === 0 || model.before.has("checkpoint");
    if (how === "before rename" && !had) rmSync(join(crashed.meta, "checkpoint"), { force: true });
  }
  if (how !== "power lost") return;
  const journal = crashed.lastJournal();
  if (existsSync(journal)) truncateSync(journal, chance % (readFileSync(journal).length + 1));
  // an unlink that the disk has not heard of
  for (const [relname, content] of model.removed) {
    const path = join(crashed.dir, relname);
    if (existsSync(path) || chance % 3 === 0) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  for (const [i, relname] of variantsBelow(crashed.dir).entries()) {
    const path = join(crashed.dir, relname);
    const kind = (chance >>> (i * 3)) % 8;
    if (kind === 1) writeFileSync(path, Buffer.alloc(600));
    if (kind === 2) truncateSync(path, chance % 600);
    if (kind === 3) rmSync(path);
  }
}

describe("a journal that ends at any byte", () => {
  test(
    "costs what it does not tell any more, and never tells what is not true",
    async () => {
      const model = startModel();
      using made = model.made;
      putNext(model, NAMES[0] ?? "");
      await take(model, { what: "checkpoint", name: 0 });
      const journal = new Crashed(made).lastJournal();
      expect(readFileSync(journal).length).toBeLessThan(200);
      for (const what of ["put", "learn", "forget", "put"] as const) {
        await take(model, { what, name: 1 });
      }
      using whole = new Crashed(made);
      const bytes = readFileSync(whole.lastJournal()).length;
      for (let cut = 0; cut <= bytes; cut += ALL || cut > bytes - 8 ? 1 : 5) {
        using crashed = new Crashed(made);
        truncateSync(crashed.lastJournal(), cut);
        using again = makeCacheDir({ slots: 64, dir: crashed.dir });
        expect(expectTrue(model, again)).toContain(NAMES[0] ?? "");
        expect(again.cache.look(NAMES[1] ?? "") !== undefined).toBe(cut >= bytes - 1);
      }
    },
    LONGEST_MS,
  );
});

describe("a checkpoint with any byte changed", () => {
  test(
    "costs what it does not tell any more, and never tells what is not true",
    async () => {
      const model = startModel();
      using made = model.made;
      for (const name of [0, 1, 2, 3, 4, 5]) await take(model, { what: "put", name });
      made.save();
      const bytes = readFileSync(join(made.dir, ".mir/checkpoint"));
      for (let at = 0; at < bytes.length; at += ALL ? 1 : 29) {
        using crashed = new Crashed(made);
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        writeFileSync(join(crashed.meta, "checkpoint"), changed);
        using again = makeCacheDir({ slots: 64, dir: crashed.dir });
        expectTrue(model, again);
      }
    },
    LONGEST_MS,
  );
});
