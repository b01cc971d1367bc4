/** What a node has had from each peer, counted by its threads. */

import { describe, expect, test } from "bun:test";
import {
  createTrafficMemory,
  openTraffic,
  readTraffic,
  trafficRows,
} from "../../../src/mesh/traffic.ts";

const PEERS = ["a", "b", "c", "d", "e"];

describe("traffic", () => {
  test("is counted by each thread for itself, and read as one", () => {
    const memory = createTrafficMemory(PEERS, 3);
    for (const row of [0, 1, 2]) {
      const traffic = openTraffic(memory, row);
      traffic.answered("b");
      traffic.received("b", 1000 * (row + 1));
      traffic.received("e", 1);
    }
    expect(readTraffic(memory).get("b")).toEqual({ answers: 3, bodyBytes: 6000 });
    expect(readTraffic(memory).get("e")).toEqual({ answers: 0, bodyBytes: 3 });
    expect(readTraffic(memory).get("a")).toEqual({ answers: 0, bodyBytes: 0 });
  });

  test("of a peer that stays in the mesh is kept over a change of it", () => {
    const before = createTrafficMemory(PEERS, 2);
    openTraffic(before, 1).received("e", 7);
    openTraffic(before, 0).answered("c");
    const after = createTrafficMemory(["new", "e", "c"], trafficRows(before), before);
    expect([...readTraffic(after)]).toEqual([
      ["new", { answers: 0, bodyBytes: 0 }],
      ["e", { answers: 0, bodyBytes: 7 }],
      ["c", { answers: 1, bodyBytes: 0 }],
    ]);
  });

  test("of whoever is no peer is not counted, nor where there is none", () => {
    const memory = createTrafficMemory([], 2);
    openTraffic(memory, 1).received("stranger", 7);
    expect(trafficRows(memory)).toBe(2);
    expect(readTraffic(memory).size).toBe(0);
  });
});
