/** The health table: who is up, who may be asked for what, shared by the threads of a node. */

import { describe, expect, test } from "bun:test";
import { createHealthMemory, HealthTable } from "../../../src/mesh/health.ts";

function tables(peers = ["a", "b"]) {
  const memory = createHealthMemory(peers);
  return { writer: new HealthTable(memory), reader: new HealthTable(memory) };
}

const IDS = Array.from({ length: 2000 }, (_, i) => `picture-${i}`);

describe("the health table", () => {
  test("counts a peer as up until something else is known, and one nobody watches always", () => {
    const { reader } = tables();
    expect(["a", "b", "stranger"].map((peer) => reader.state(peer))).toEqual(["up", "up", "up"]);
    expect(reader.takes("a", "viral1") && reader.takes("stranger", "viral1")).toBe(true);
  });

  test("shows every thread what one thread wrote, of that peer alone", () => {
    const { writer, reader } = tables();
    writer.setState("b", "down", 5);
    expect([reader.state("a"), reader.state("b")]).toEqual(["up", "down"]);
    expect([reader.takes("a", "viral1"), reader.takes("b", "viral1")]).toEqual([true, false]);
  });

  test("makes a peer suspect at once when a failure is reported, and counts the reports", () => {
    const { writer, reader } = tables();
    reader.report("a");
    reader.report("a");
    reader.report("stranger");
    expect(writer.state("a")).toBe("suspect");
    expect([writer.reports("a"), writer.reports("b"), writer.reports("stranger")]).toEqual([
      2, 0, 0,
    ]);
  });

  test("does not let a report raise a peer that is down", () => {
    const { writer, reader } = tables();
    writer.setState("a", "down", 5);
    reader.report("a");
    expect(writer.state("a")).toBe("down");
  });

  test("tells name, state, round trip and last sign of life; null for what was never known", () => {
    const { writer, reader } = tables();
    writer.setRtt("a", 1.23456);
    writer.setSeen("a", 1_700_000_000);
    expect(reader.reportsOfAll()).toEqual([
      { name: "a", state: "up", rttMs: 1.235, lastSeen: 1_700_000_000 },
      { name: "b", state: "up", rttMs: null, lastSeen: null },
    ]);
  });
});

describe("a peer that has come back", () => {
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    test(`takes ${share * 100} % of its ids when its share is ${share}`, () => {
      const { writer, reader } = tables();
      writer.setShare("a", share);
      const taken = IDS.filter((id) => reader.takes("a", id)).length / IDS.length;
      expect(Math.abs(taken - share)).toBeLessThan(share % 1 === 0 ? 1e-9 : 0.05);
    });
  }

  test("takes the same ids for every thread, and others in the next time slot", () => {
    const { writer, reader } = tables();
    const taken = (table: HealthTable): string[] => IDS.filter((id) => table.takes("a", id));
    writer.setShare("a", 0.5);
    const first = taken(reader);
    expect(taken(writer)).toEqual(first);
    writer.setShare("a", 0.5);
    expect(taken(reader)).not.toEqual(first);
  });
});
