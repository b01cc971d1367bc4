/** Bodies and originals on a disk that takes no more. */

import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Body } from "../../../src/base/body.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { openPurged } from "../../../src/cache/purged.ts";
import { startContext } from "../../../src/content/context.ts";
import { fill } from "../../../src/content/fill.ts";
import { createFlightMemory } from "../../../src/content/flight-table.ts";
import { openFlights } from "../../../src/content/flights.ts";
import { pastDisk } from "../../../src/content/past-disk.ts";
import type { Served } from "../../../src/content/served.ts";
import { spoolPast, spoolTurn } from "../../../src/content/spool-past.ts";
import { openTail } from "../../../src/content/tail-body.ts";
import { intoTarget } from "../../../src/content/target.ts";
import { type CacheDir, makeCacheDir, metaOf, relnameOfNumber } from "../../support/cache-dir.ts";

const TEXT = "the bytes of a picture, in six pieces of four words each; and so on";
const meta = metaOf(relnameOfNumber(1), TEXT.length);
const clock = systemClock;

function bodyOf(text: string, pieceBytes = 10): Body & { cancelled: boolean } {
  let at = 0;
  return {
    cancelled: false,
    async read() {
      const piece = text.slice(at, at + pieceBytes);
      at += piece.length;
      return piece === "" ? undefined : Buffer.from(piece);
    },
    cancel() {
      this.cancelled = true;
    },
  };
}

async function textOf(body: Body): Promise<string> {
  let text = "";
  for (let got = await body.read(); got !== undefined; got = await body.read()) {
    text += Buffer.from(got).toString();
  }
  return text;
}

/** A cache whose disk refuses after so many written chunks. */
function refusing(of: CacheDir, chunks: number): typeof of.cache {
  let left = chunks;
  return {
    ...of.cache,
    writeTemp(file, chunk, position) {
      if (left-- <= 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      of.cache.writeTemp(file, chunk, position);
    },
  };
}

function lead() {
  const entered = openFlights(createFlightMemory(4), 1).enter("name");
  if (entered.kind !== "lead") throw new Error("not the lead");
  return entered.lead;
}

async function filled(of: CacheDir, chunks: number) {
  const cache = refusing(of, chunks);
  const reservation = cache.reserve(meta.bytes);
  if (reservation === undefined) throw new Error("no room");
  const flight = lead();
  const incoming = { meta, body: bodyOf(TEXT), source: "origin", via: "" } as const;
  const purged = openPurged(of.memory, clock);
  const ended = fill({ cache, purged, lead: flight, incoming, reservation });
  const view = flight.ticket.look();
  if (view.kind !== "filling") throw new Error(`the flight is ${view.kind}`);
  const body = openTail({ ticket: flight.ticket, head: view.head, clock });
  if (body === undefined) throw new Error("could not be opened");
  return { ended: await ended, body, incoming };
}

/** What a source brings that is asked past the disk. */
function brought(validator: string, body: Body): () => Promise<Served> {
  const outcome = { source: "origin", via: "", collapsed: false, stored: false } as const;
  return async () => ({ kind: "stream", meta: { ...meta, validator }, body, outcome });
}

describe("a body whose disk takes no more", () => {
  test("is not kept, and its readers are told to go on without", async () => {
    using of = makeCacheDir();
    const { ended, body, incoming } = await filled(of, 3);
    expect(ended).toEqual({ kind: "unkept", whole: undefined });
    expect(incoming.body.cancelled).toBe(true);
    expect(textOf(body)).rejects.toMatchObject({ code: "disk_full" });
    expect(of.cache.look(meta.relname)).toBeUndefined();
    expect(of.counters()["cache_write_failed"]).toBe(1);
  });

  test("goes on from the source at the same byte", async () => {
    using of = makeCacheDir();
    const { body } = await filled(of, 3);
    const direct = brought(meta.validator, bodyOf(TEXT, 7));
    expect(await textOf(pastDisk({ meta, body }, direct))).toBe(TEXT);
  });

  test("never goes on with other bytes", async () => {
    using of = makeCacheDir();
    const { body } = await filled(of, 3);
    const other = bodyOf(TEXT);
    const reading = textOf(pastDisk({ meta, body }, brought("0".repeat(16), other)));
    expect(reading).rejects.toMatchObject({ code: "disk_full" });
    await reading.catch(() => {});
    expect(other.cancelled).toBe(true);
  });

  test("a source that broke off is not asked again", async () => {
    const body: Body = {
      read: () => Promise.reject(new Fault("peer_failed", "broke off")),
      cancel() {},
    };
    const direct = (): Promise<Served> => Promise.reject(new Error("asked"));
    expect(pastDisk({ meta, body }, direct).read()).rejects.toMatchObject({
      code: "peer_failed",
    });
  });

  test("that takes none of it leaves the body to its asker", async () => {
    using of = makeCacheDir();
    const cache = { ...of.cache, openTemp: () => undefined };
    const reservation = cache.reserve(meta.bytes);
    if (reservation === undefined) throw new Error("no room");
    const incoming = { meta, body: bodyOf(TEXT), source: "origin", via: "" } as const;
    const purged = openPurged(of.memory, clock);
    expect(await fill({ cache, purged, lead: lead(), incoming, reservation })).toEqual({
      kind: "untouched",
    });
    expect(await textOf(incoming.body)).toBe(TEXT);
  });

  test("a small one that was not published is handed on whole", async () => {
    using of = makeCacheDir();
    const reservation = of.cache.reserve(meta.bytes);
    if (reservation === undefined) throw new Error("no room");
    const folder = join(of.dir, "pi");
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, "in the way");
    const incoming = { meta, body: bodyOf(TEXT), source: "origin", via: "" } as const;
    const { cache } = of;
    const purged = openPurged(of.memory, clock);
    const ended = await fill({ cache, purged, lead: lead(), incoming, reservation });
    expect(ended).toEqual({ kind: "unkept", whole: new Uint8Array(Buffer.from(TEXT)) });
  });
});

describe("what is made when the cache directory takes no files", () => {
  test("is written elsewhere, and removed there", async () => {
    using of = makeCacheDir();
    const cache = { ...of.cache, nameTemp: () => undefined };
    const { result, target } = await intoTarget(cache, undefined, async (path) => {
      writeFileSync(path, "made");
      return path;
    });
    expect(target.keepable).toBe(false);
    expect(result.startsWith(of.dir)).toBe(false);
    expect(readFileSync(target.path, "utf8")).toBe("made");
    target[Symbol.dispose]();
    expect(() => readFileSync(target.path)).toThrow("ENOENT");
  });

  test("is tried again after making room, and then elsewhere", async () => {
    using of = makeCacheDir();
    const paths: string[] = [];
    const { target } = await intoTarget(of.cache, undefined, async (path) => {
      paths.push(path);
      if (paths.length < 3) throw new Fault("disk_full", "no room");
    });
    using _ = target;
    expect(paths.map((path) => path.startsWith(of.dir))).toEqual([true, true, false]);
    expect(of.counters()["cache_write_failed"]).toBe(1);
  });

  test("a job that fails for itself is not tried again", async () => {
    using of = makeCacheDir();
    let runs = 0;
    const failing = intoTarget(of.cache, undefined, async () => {
      runs++;
      throw new Fault("undecodable", "not a picture");
    });
    expect(failing).rejects.toMatchObject({ code: "undecodable" });
    await failing.catch(() => {});
    expect(runs).toBe(1);
  });

  test("an original goes on elsewhere where the disk refuses its rest", async () => {
    using of = makeCacheDir();
    using target = await spoolPast(refusing(of, 3), bodyOf(TEXT));
    expect(target.keepable).toBe(false);
    expect(readFileSync(target.path, "utf8")).toBe(TEXT);
  });
});

describe("originals that are not kept", () => {
  test("a few are on disk at once, as many wait as may, and the next is refused", async () => {
    const context = startContext(clock);
    const turns: Disposable[] = [];
    for (let i = 0; i < LIMITS.spoolsMax; i++) turns.push(await spoolTurn(context, clock));
    const order: number[] = [];
    const waiting = Array.from({ length: LIMITS.spoolsWaitingMax }, async (_, i) => {
      using _turn = await spoolTurn(context, clock);
      order.push(i);
    });
    expect(spoolTurn(context, clock)).rejects.toMatchObject({ code: "overloaded" });
    expect(order).toEqual([]);
    for (const turn of turns) turn[Symbol.dispose]();
    await Promise.all(waiting);
    expect(order).toEqual(order.map((_, i) => i));
    (await spoolTurn(context, clock))[Symbol.dispose]();
  });

  test("who waits too long gives its place up", async () => {
    const turns: Disposable[] = [];
    for (let i = 0; i < LIMITS.spoolsMax; i++) {
      turns.push(await spoolTurn(startContext(clock), clock));
    }
    const hurried = spoolTurn(startContext(clock, { budgetMs: 5 }), clock);
    expect(hurried).rejects.toMatchObject({ code: "too_slow" });
    await hurried.catch(() => {});
    for (const turn of turns) turn[Symbol.dispose]();
    (await spoolTurn(startContext(clock), clock))[Symbol.dispose]();
  });
});
