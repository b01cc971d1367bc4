/** When a kept original that is no picture is compared with the origin. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { asFault, Fault, type FaultCode } from "../../../src/base/fault.ts";
import { startContext } from "../../../src/content/context.ts";
import { dropId } from "../../../src/content/drop-id.ts";
import { makeNegatives } from "../../../src/content/negatives.ts";
import { hearNews } from "../../../src/content/news.ts";
import { originalOf } from "../../../src/content/original.ts";
import { factsAsOwner } from "../../../src/content/owner.ts";
import type { Parts } from "../../../src/content/parts.ts";
import type { PurgeTold } from "../../../src/mesh/tell.ts";
import { openOrigins } from "../../../src/origin/origin.ts";
import { makeNodeParts } from "../../support/node-parts.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const ID = "slow01";
const FACTS = { width: 4, height: 3, alpha: false, animated: false };
const LIFE_MS = DEADLINES.negativeUndecodableMs + 1;

/** A node that reads a folder, whose image worker takes nothing for a picture but `whole`. */
function readingNode(code: FaultCode = "undecodable") {
  using stack = new DisposableStack();
  const dir = stack.use(makeTempDir());
  mkdirSync(join(dir.path, "originals"));
  const images: Parts["images"] = {
    async run({ source }) {
      if (readFileSync(source, "utf8") !== "whole") throw new Fault(code, "no picture");
      return { kind: "probed", facts: FACTS, format: "jpg" };
    },
  };
  const self = "edge-1";
  const node = stack.use(makeNodeParts({ self, edges: [self, "edge-2"], probing: false, images }));
  const { counters, log, clock, count } = node.watched;
  const spec = { kind: "directory", name: "origin", dir: join(dir.path, "originals") } as const;
  const origin = openOrigins([spec], { counters, log, clock, secrets: undefined });
  const purges: PurgeTold[] = [];
  const parts: Parts = {
    ...node.parts,
    origin,
    negatives: makeNegatives(clock),
    async purge(message) {
      purges.push(message);
      dropId(parts, ID);
      hearNews(parts, { ids: [ID], webIds: [], purged: true });
      return { note: "purged" };
    },
  };
  const kept = stack.move();
  return {
    ...{ parts, node, purges, clock },
    write: (text: string) => writeFileSync(join(spec.dir, `${ID}.jpg`), text),
    ask: () =>
      factsAsOwner(parts, ID, startContext(clock)).catch((error: unknown) => asFault(error).code),
    traffic: () => ({ probes: count("origin_probe"), gets: count("origin_get") }),
    kept: () => parts.local.peek(originalOf(ID))?.bytes,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

describe("a kept original that could not be decoded", () => {
  test("is read again when the refusal is over and the origin has another one", async () => {
    using it = readingNode();
    it.write("who");
    expect(await it.ask()).toBe("undecodable");
    it.write("whole");
    expect(await it.ask()).toBe("undecodable");
    expect(it.kept()).toBe(3);
    it.clock.advance(LIFE_MS);
    expect(await it.ask()).toEqual(FACTS);
    expect(it.kept()).toBe(5);
  });

  test("is purged then, here and on all other nodes", async () => {
    using it = readingNode();
    it.write("who");
    await it.ask();
    it.write("whole");
    it.clock.advance(LIFE_MS);
    await it.ask();
    const entries = [{ id: ID, purgedAt: it.clock.wallSeconds(), action: "purge" }];
    expect(it.purges).toMatchObject([{ entries }]);
    expect(it.node.told).toMatchObject([{ peer: "edge-2", message: { kind: "purge", entries } }]);
  });

  test("costs one look in the life of each refusal while the origin has the same", async () => {
    using it = readingNode();
    it.write("who");
    await it.ask();
    const first = it.traffic();
    for (let lives = 1; lives <= 3; lives++) {
      it.clock.advance(LIFE_MS);
      for (let asked = 0; asked < 3; asked++) expect(await it.ask()).toBe("undecodable");
      const probes = first.probes * (1 + lives);
      expect(it.traffic()).toEqual({ probes, gets: first.gets });
    }
    expect(it.purges).toEqual([]);
  });

  test("stays, and is refused, while nobody can say what the origin has", async () => {
    using it = readingNode();
    it.write("who");
    await it.ask();
    const origin = { ...it.parts.origin, open: () => Promise.reject(new Fault("bad_origin", "")) };
    const away = { ...it.parts, origin } as Parts;
    it.clock.advance(LIFE_MS);
    const asked = factsAsOwner(away, ID, startContext(it.clock));
    expect(asked).rejects.toMatchObject({ code: "undecodable" });
    await asked.catch(() => {});
    expect(it.kept()).toBe(3);
  });

  for (const code of ["image_too_large", "image_failed", "overloaded"] as const) {
    test(`is not looked at for ${code}, which says nothing against its bytes`, async () => {
      using it = readingNode(code);
      it.write("who");
      await it.ask();
      const first = it.traffic();
      it.write("whole");
      it.clock.advance(LIFE_MS);
      // a picture by now, but nobody has doubts about what is kept
      expect(await it.ask()).toBe(code);
      expect(it.traffic()).toEqual(first);
    });
  }

  test("stays where it is pinned: it may be the only copy", async () => {
    using it = readingNode();
    it.write("who");
    await it.ask();
    it.parts.cache.pin(it.parts.local.peek(originalOf(ID))?.relname ?? "");
    const first = it.traffic();
    it.write("whole");
    it.clock.advance(LIFE_MS);
    expect(await it.ask()).toBe("undecodable");
    expect(it.kept()).toBe(3);
    expect(it.traffic()).toEqual(first);
  });

  test("that is empty by now is no original any more", async () => {
    using it = readingNode();
    it.write("who");
    await it.ask();
    it.write("");
    it.clock.advance(LIFE_MS);
    expect(await it.ask()).toBe("not_found");
    expect(it.kept()).toBeUndefined();
  });

  test("is the only one that is compared: a good one never is", async () => {
    using it = readingNode();
    it.write("whole");
    expect(await it.ask()).toEqual(FACTS);
    const first = it.traffic();
    it.write("whole as well");
    it.parts.local.forget(ID);
    it.clock.advance(LIFE_MS);
    expect(await it.ask()).toEqual(FACTS);
    expect(it.traffic()).toEqual(first);
  });
});
