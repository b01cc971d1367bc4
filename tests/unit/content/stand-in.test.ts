/** What an owner sends when there is no image worker in time, and what it makes of it afterwards. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Facts, Variant } from "../../../src/base/variant.ts";
import { relnameOf } from "../../../src/base/variant.ts";
import { type Context, startContext } from "../../../src/content/context.ts";
import { makeLater } from "../../../src/content/later.ts";
import { serveAsOwner } from "../../../src/content/owner.ts";
import type { Parts } from "../../../src/content/parts.ts";
import { standInFor } from "../../../src/content/stand-in.ts";
import { warmVariant } from "../../../src/content/warm.ts";
import type { Demand } from "../../../src/image/demand.ts";
import type { ImageJob, MadeResult, ProbedResult } from "../../../src/image/job.ts";
import { openWaitBoard } from "../../../src/image/wait-board.ts";
import { metaOf, put } from "../../support/cache-dir.ts";
import { makeNodeParts } from "../../support/node-parts.ts";
import { until } from "../../support/until.ts";

const ID = "picture-1";
const PHOTO: Facts = { width: 4000, height: 3000, alpha: false, animated: false };
const name = (size: string, ext = "jpg"): Variant => ({ id: ID, size, ext });

type Run = (job: ImageJob, demand: Demand) => Promise<MadeResult | ProbedResult>;
const busy: Run = async () => {
  throw new Fault("overloaded", "no image worker was free in time", { retryAfterMs: 7000 });
};

/** A node that has these variants on disk, each of 3,000 bytes. */
function nodeWith(
  names: readonly Variant[],
  more: { readonly facts?: Facts; readonly run?: Run; readonly bytes?: number } = {},
) {
  const { facts = PHOTO, run = busy, bytes = 3000 } = more;
  const node = makeNodeParts({
    self: "edge-1",
    edges: ["edge-1"],
    probing: false,
    images: { run },
  });
  for (const variant of names)
    put(node.parts.cache, { ...metaOf(relnameOf(variant), bytes), facts });
  return node;
}

const client = (parts: Parts, more: Partial<Context> & { budgetMs?: number } = {}): Context =>
  startContext(parts.clock, { standIns: true, ...more });

describe("the nearest larger variant", () => {
  const nearest = (has: readonly Variant[], wanted: Variant, facts?: Facts) => {
    using node = nodeWith(has, facts === undefined ? {} : { facts });
    const found = standInFor(node.parts, wanted);
    return found === undefined ? undefined : `${found.size}.${found.ext}`;
  };

  test("is the smallest that is at least as large", () => {
    expect(nearest([name("xl"), name("md"), name("lg"), name("xs")], name("sm"))).toBe("md.jpg");
  });

  test("is never a smaller one", () => {
    expect(nearest([name("xs"), name("sm")], name("md"))).toBeUndefined();
  });

  test("is one that whoever asks can show: webp for avif, nothing new for jpg", () => {
    expect(nearest([name("md", "webp")], name("md", "avif"))).toBe("md.webp");
    expect(nearest([name("lg", "avif"), name("lg", "webp")], name("md", "jpg"))).toBeUndefined();
    expect(nearest([name("lg", "avif"), name("xl", "jpg")], name("md", "webp"))).toBe("xl.jpg");
  });

  test("is of the wanted format where there is a choice", () => {
    expect(nearest([name("lg", "jpg"), name("lg", "webp")], name("md", "webp"))).toBe("lg.webp");
  });

  test("still has the alpha and the movement that the wanted one would have", () => {
    const still = { ...PHOTO, alpha: true };
    expect(nearest([name("lg", "jpg")], name("md", "png"), still)).toBeUndefined();
    expect(nearest([name("lg", "png")], name("md", "webp"), still)).toBe("lg.png");
    const moving = { ...PHOTO, animated: true };
    expect(nearest([name("lg", "png"), name("xl", "gif")], name("md", "gif"), moving)).toBe(
      "xl.gif",
    );
  });

  test("is the original when that is small enough, and nothing else is there", () => {
    expect(nearest([name("orig", "jpg")], name("md"))).toBe("orig.jpg");
    expect(nearest([name("orig", "jpg"), name("lg")], name("md"))).toBe("lg.jpg");
    expect(nearest([name("orig", "heic")], name("md"))).toBeUndefined();
    using node = nodeWith([name("orig", "jpg")], { bytes: LIMITS.standInOriginalBytesMax + 1 });
    expect(standInFor(node.parts, name("md"))).toBeUndefined();
  });

  test("is not the original where clients may not have originals", () => {
    using node = nodeWith([name("orig", "jpg")]);
    const { topology } = node.parts;
    const http = { ...topology.http, originals: false };
    expect(
      standInFor({ ...node.parts, topology: { ...topology, http } }, name("md")),
    ).toBeUndefined();
  });

  test("for the original itself there is none", () => {
    expect(nearest([name("xl")], name("orig"))).toBeUndefined();
  });
});

describe("an owner without an image worker in time", () => {
  test("sends it marked, under its own name, and keeps nothing under the wanted one", async () => {
    using node = nodeWith([name("lg")]);
    const { parts, watched } = node;
    const served = await serveAsOwner(parts, name("md"), client(parts));
    expect(served).toMatchObject({
      kind: "file",
      meta: { relname: relnameOf(name("lg")) },
      outcome: { source: "stand-in", stored: false },
    });
    expect(parts.cache.peek(relnameOf(name("md")))).toBeUndefined();
    expect(watched.count("stand_in")).toBe(1);
  });

  test("tries no image job that would not come to its turn in time", async () => {
    const jobs: ImageJob[] = [];
    const run: Run = async (job) => {
      jobs.push(job);
      throw new Fault("overloaded", "too many image jobs wait", { retryAfterMs: 7000 });
    };
    using node = nodeWith([name("lg")], { run });
    const { parts, memory, watched } = node;
    const board = openWaitBoard(memory.imageWaits);
    const { standInMs } = parts.topology.limits;
    const asked = async (): Promise<number> => {
      const before = jobs.length;
      const { outcome } = await serveAsOwner(parts, name("md"), client(parts));
      expect(outcome.source).toBe("stand-in");
      return jobs.length - before;
    };
    board.post({ small: 0, now: standInMs });
    expect(await asked()).toBe(1);
    board.post({ small: 0, now: standInMs + 1 });
    expect(await asked()).toBe(0);
    board.post({ small: 0, now: Number.POSITIVE_INFINITY });
    expect(await asked()).toBe(0);
    expect(watched.count("stand_in")).toBe(3);
    // who does not take another one is not answered with it
    const refused = serveAsOwner(parts, name("md"), client(parts, { standIns: false }));
    await expect(refused).rejects.toMatchObject({ code: "overloaded" });
    expect(jobs).toHaveLength(2);
  });

  test("lets nobody wait longer for a picture in the making than it does for its turn", async () => {
    const making = Promise.withResolvers<MadeResult>();
    using node = nodeWith([name("lg")], { run: () => making.promise });
    const { parts, watched } = node;
    const patient = serveAsOwner(parts, name("md"), client(parts, { standIns: false }));
    const joined = serveAsOwner(parts, name("md"), client(parts));
    await until(() => watched.count("flight_joined") === 1, "it waits with the other one");
    watched.clock.advance(parts.topology.limits.standInMs);
    expect((await joined).outcome.source).toBe("stand-in");
    making.reject(new Fault("overloaded", "no image worker was free in time"));
    await expect(patient).rejects.toMatchObject({ code: "overloaded" });
  });

  test("refuses who has not said that another variant will do, with the time to come back", async () => {
    using node = nodeWith([name("lg")]);
    const { parts } = node;
    const refused = serveAsOwner(parts, name("md"), client(parts, { standIns: false }));
    await expect(refused).rejects.toMatchObject({ code: "overloaded", retryAfterMs: 7000 });
    await expect(warmVariant(parts, relnameOf(name("md")), undefined)).rejects.toMatchObject({
      code: "overloaded",
    });
  });

  test("refuses when there is nothing to send", async () => {
    // avif cannot be shown by who wants a jpg, though a jpg can be made from it
    using node = nodeWith([name("lg", "avif")]);
    const { parts } = node;
    await expect(serveAsOwner(parts, name("md"), client(parts))).rejects.toMatchObject({
      code: "overloaded",
      retryAfterMs: 7000,
    });
  });

  test("does not send another one for what cannot be made at all", async () => {
    const broken: Run = async () => {
      throw new Fault("undecodable", "no picture");
    };
    using node = nodeWith([name("lg")], { run: broken });
    await expect(serveAsOwner(node.parts, name("md"), client(node.parts))).rejects.toMatchObject({
      code: "undecodable",
    });
  });

  test("has patience only where it has something to send", async () => {
    const demands: Demand[] = [];
    const watching: Run = (job, demand) => {
      demands.push(demand);
      return busy(job, demand);
    };
    using with_ = nodeWith([name("lg")], { run: watching });
    await serveAsOwner(with_.parts, name("md"), client(with_.parts));
    using without = nodeWith([name("lg", "avif")], { run: watching });
    await serveAsOwner(without.parts, name("md"), client(without.parts)).catch(() => undefined);
    expect(demands.map((demand) => demand.patienceMs)).toEqual([4000, undefined]);
  });

  test("still answers when the request's time is nearly over while the picture is being made", async () => {
    const never: Run = () => new Promise(() => {});
    using node = nodeWith([name("lg")], { run: never });
    const { parts, watched } = node;
    const context = client(parts, { budgetMs: 10_000 });
    const served = serveAsOwner(parts, name("md"), context);
    watched.clock.advance(8_600);
    expect((await served).outcome.source).toBe("stand-in");
  });
});

describe("the right one", () => {
  test("is made afterwards, in the lane of what nobody waits for, though nobody asks again", async () => {
    const lanes: unknown[] = [];
    let free = false;
    const run: Run = async (job, demand) => {
      lanes.push(demand.later);
      if (!free || job.kind !== "make") return busy(job, demand);
      await Bun.write(job.target, "made");
      const digest = "0123456789abcdef";
      return { kind: "made", bytes: 4, width: 1, height: 1, facts: PHOTO, digest };
    };
    using node = nodeWith([name("lg")], { run });
    const { counters, clock } = node.watched;
    using later = makeLater({ counters, clock, restMs: 1 });
    const parts = { ...node.parts, later };
    await serveAsOwner(parts, name("md"), client(parts));
    await until(() => lanes.length > 2, "it was tried again");
    free = true;
    await until(() => parts.cache.peek(relnameOf(name("md"))) !== undefined, "it was made");
    expect(lanes[0]).toBeUndefined();
    expect(new Set(lanes.slice(1))).toEqual(new Set([true]));
    await until(() => node.watched.count("made_later") === 1);
  });

  test("is ordered once, at most so many wait, and not for ever", async () => {
    const made: string[] = [];
    const refusing = Promise.withResolvers<void>();
    const run: Run = async (job, demand) => {
      if (job.kind === "make") made.push(`${job.box.width}`);
      await refusing.promise;
      return busy(job, demand);
    };
    using node = nodeWith([name("lg")], { run });
    const { counters, clock } = node.watched;
    using later = makeLater({ counters, clock, restMs: 1 });
    const order = (wanted: Variant): void => later.order(node.parts, wanted, client(node.parts));
    for (let i = 0; i < 3; i++) order(name("md"));
    await until(() => made.length === 1);
    refusing.resolve();
    await until(() => node.watched.count("later_dropped") === 1, "given up");
    expect(made).toEqual(Array(LIMITS.laterTriesMax).fill("1024"));
    for (let i = 0; i <= LIMITS.laterMax; i++) order({ ...name("md"), id: `another-${i}` });
    expect(node.watched.count("later_dropped")).toBe(2);
  });
});
