/** What the dashboard knows of the last minutes, and what of it is out of order. */

import { describe, expect, test } from "bun:test";
import { troublesOf } from "../../../../src/http/dashboard/troubles.ts";
import {
  calmSum,
  HISTORY_SECONDS,
  latencyOf,
  nextView,
  ownShare,
  serversOf,
  type View,
} from "../../../../src/http/dashboard/view.ts";
import type { MeshDocument, MeshServer } from "../../../../src/http/mesh-document.ts";
import { countersWith, meshDocument, statusDocument } from "../../../support/status-documents.ts";

/** One server that has been asked so often. */
function documentAt(at: number, asked: number): MeshDocument {
  const counters = countersWith({ http_requests: asked });
  const latencies = {
    boundsSeconds: [1],
    outcomes: [{ outcome: "hit" as const, counts: [asked, 0], seconds: 0 }],
  };
  const status = statusDocument({ uptimeSeconds: at, counters, latencies });
  return { ...meshDocument([{ name: "edge-1", status, statusAt: at }]), at };
}

function follow(documents: readonly MeshDocument[]): View {
  const [first, ...rest] = documents;
  if (first === undefined) throw new Error("no document");
  return rest.reduce(nextView, nextView(undefined, first));
}

describe("the view", () => {
  test("keeps what happened in the last minutes, and no more", () => {
    const times = Array.from({ length: HISTORY_SECONDS + 50 }, (_, i) => i + 1);
    const { history } = follow(times.map((at) => documentAt(at, at * 3)));
    expect(history).toHaveLength(HISTORY_SECONDS);
    expect(history.at(-1)?.edge.counters.http_requests).toBe(3);
  });

  test("knows no rates of a first document", () => {
    const view = follow([documentAt(1, 100)]);
    expect([view.history, view.calm.get("edge-1")]).toEqual([[], undefined]);
  });

  test("takes figures over three documents, so that they can be read, and latencies over ten", () => {
    const view = follow([0, 0, 0, 30, 60, 120].map((asked, i) => documentAt(i + 1, asked)));
    expect(view.calm.get("edge-1")?.counters.http_requests).toBe(40);
    expect(calmSum(view, serversOf(view.document)).counters.http_requests).toBe(40);
    expect(latencyOf(view, "edge-1").counts).toEqual([120, 0]);
    const later = Array.from({ length: 20 }, (_, i) => documentAt(i + 10, 120));
    expect(latencyOf(later.reduce(nextView, view)).counts).toEqual([0, 0]);
  });

  test("forgets what it knew of a server that tells no more", () => {
    const view = follow([documentAt(1, 1), documentAt(2, 9)]);
    const silent = nextView(view, { ...meshDocument([{ name: "edge-1" }]), at: 3 });
    expect(silent.calm.get("edge-1")).toBeUndefined();
  });

  test("does not count refusals among the pictures that were sent", () => {
    expect(ownShare({ hit: 3, peer: 1, refused: 100, failed: 7 })).toBe(0.75);
    expect(ownShare({ refused: 1 })).toBeUndefined();
  });
});

describe("what is out of order", () => {
  const troubles = (given: Partial<MeshServer>): readonly string[] => {
    const document = meshDocument([{ name: "edge-2", status: statusDocument(), ...given }]);
    return troublesOf(document).map(({ grave, text }) => `${grave ? "!" : ""}${text}`);
  };
  test("is nothing where all is well", () => {
    expect(troubles({})).toEqual([]);
  });

  test("is a server that is not up, and who says so", () => {
    expect(troubles({ state: "down" })).toEqual(["!edge-2 is down, says edge-1"]);
    expect(troubles({ state: "suspect" })).toEqual(["!edge-2 is suspect, says edge-1"]);
  });

  test("is a node that tells nothing of itself", () => {
    const document = meshDocument([{ name: "edge-2" }]);
    expect(troublesOf(document)).toEqual([{ grave: false, text: "edge-2: unknown" }]);
  });

  test("is what a node tells of itself", () => {
    const status = statusDocument({
      epoch: "another",
      draining: true,
      workers: [{ worker: 1, state: "restarting" }],
      outbox: { pending: 0, aside: 2 },
    });
    const [disk] = status.cache.disks;
    if (disk === undefined) throw new Error("no disk");
    const cache = { ...status.cache, disks: [{ ...disk, state: "failed" as const }] };
    expect(troubles({ status: { ...status, cache } })).toEqual([
      "!edge-2: has another topology (another)",
      "!edge-2: disk /a is failed",
      "!edge-2: 1 worker being started again",
      "!edge-2: 2 uploads set aside",
      "edge-2: is shutting down",
    ]);
  });

  test("is a node whose sizes are not those of the one that tells", () => {
    const own = { name: "edge-1", status: statusDocument() };
    const other = { name: "edge-2", status: statusDocument({ classes: "0123" }) };
    expect(troublesOf(meshDocument([own, other])).map(({ text }) => text)).toEqual([
      "edge-2: has other sizes: one is to be restarted",
    ]);
  });

  test("is a store that is left alone", () => {
    const { levels, ...rest } = meshDocument([]);
    const left = { name: "store", kind: "s3" as const, leftAlone: true };
    const document = { ...rest, levels: levels.map((level) => ({ ...level, origins: [left] })) };
    expect(troublesOf(document)[0]?.text).toBe("store is left alone for now: it keeps failing");
  });
});
