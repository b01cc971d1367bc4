/** What a thread remembers of how variants came here. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import type { FlightHead, Lead } from "../../../../src/content/flight.ts";
import { makeFills } from "../../../../src/content/why/fills.ts";
import { metaOf, relnameOfNumber } from "../../../support/cache-dir.ts";
import { watchedParts } from "../../../support/watched-parts.ts";

const { clock } = watchedParts();
const RELNAME = relnameOfNumber(1);
const ID = RELNAME.split("/")[4]?.replace(".jpg", "") ?? "";

function head(relname: string, source: FlightHead["source"], stored: boolean): FlightHead {
  return { meta: metaOf(relname, 3000), source, via: "", temp: "", stored };
}

function lead(): Lead & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    ticket: undefined as never,
    begin: () => void told.push("begin"),
    progress: () => void told.push("progress"),
    done: () => void told.push("done"),
    fail: () => void told.push("fail"),
    solo: () => void told.push("solo"),
    abandon: () => void told.push("abandon"),
    askers: () => 0,
  };
}

describe("a fill is remembered", () => {
  test("with who brought it, when its source answered, and when it was whole", () => {
    const fills = makeFills(clock);
    const story = fills.begin();
    const inner = lead();
    const watched = story.watch(inner);
    clock.advance(12);
    story.from("regional-1");
    watched.begin(head(RELNAME, "upstream", false));
    clock.advance(30);
    watched.done(head(RELNAME, "upstream", true));
    expect(inner.told).toEqual(["begin", "done"]);
    expect(fills.of(ID)).toEqual([
      {
        ...{ relname: RELNAME, bytes: 3000, source: "upstream", from: "regional-1" },
        ...{ firstMs: 12, totalMs: 42, queueMs: undefined, workMs: undefined },
        ...{ madeOf: undefined, stored: true, at: clock.wallSeconds() },
      },
    ]);
  });

  test("with what it was made of, the wait for an image worker, and its work", () => {
    const fills = makeFills(clock);
    const story = fills.begin();
    clock.advance(50);
    story.made({ of: "the original", tookMs: 50, queueMs: 10 });
    story.watch(lead()).done(head(RELNAME, "generated", true));
    expect(fills.of(ID)[0]).toMatchObject({
      ...{ madeOf: "the original", queueMs: 10, workMs: 40, totalMs: 50, from: undefined },
    });
  });

  test("once a variant, the last one; not at all when it was here", () => {
    const fills = makeFills(clock);
    for (const source of ["upstream", "peer", "hit"] as const) {
      fills
        .begin()
        .watch(lead())
        .done(head(RELNAME, source, true));
    }
    expect(fills.of(ID).map(({ source }) => source)).toEqual(["peer"]);
  });

  test("as long as there is room: the oldest are forgotten", () => {
    const fills = makeFills(clock);
    for (let n = 1; n <= LIMITS.fillsKept + 1; n++) fills.uploaded(metaOf(relnameOfNumber(n), 10));
    expect(fills.of(ID)).toEqual([]);
    fills.uploaded(metaOf(RELNAME, 10));
    expect(fills.of(ID).map(({ source }) => source)).toEqual(["upload"]);
  });
});
