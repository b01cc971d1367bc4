/** The other nodes are asked while somebody looks, side by side, and one that hangs delays nobody. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { StatusDocument } from "../../../src/http/status-document.ts";
import { makeAskAll } from "../../../src/node/ask-all.ts";
import type { Server } from "../../../src/topology/topology.ts";
import { statusDocument } from "../../support/status-documents.ts";
import { until } from "../../support/until.ts";

const serversNamed = (names: readonly string[]): Server[] =>
  names.map((name) => ({ name }) as Server);

/** Nodes of which some hang; `asks` are the names asked so far. */
function mesh(names: readonly string[], hung: ReadonlySet<string> = new Set()) {
  const asks: string[] = [];
  let servers = serversNamed(names);
  let nowMs = 1_000;
  const all = makeAskAll({
    others: () => servers,
    async ask({ name }, signal): Promise<StatusDocument> {
      asks.push(name);
      if (!hung.has(name)) return statusDocument({ server: name });
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Fault("too_slow", "no answer");
    },
    nowMs: () => nowMs,
  });
  return {
    ...{ all, asks },
    pass: (ms: number) => {
      nowMs += ms;
    },
    become: (others: readonly string[]) => {
      servers = serversNamed(others);
    },
  };
}

describe("asking all nodes", () => {
  test("begins when somebody looks, and has what they say by then", async () => {
    const { all, asks } = mesh(["a", "b"]);
    using _all = all;
    expect(asks).toEqual([]);
    await all.look();
    expect(asks).toEqual(["a", "b"]);
    expect(all.told("a")).toMatchObject({ kind: "status", at: 1, status: { server: "a" } });
    expect(all.told("c")).toBeUndefined();
  });

  test("asks again each second, but for one that has not answered, and tells of the others", async () => {
    const { all, asks } = mesh(["hung", "well"], new Set(["hung"]));
    using _all = all;
    await all.look();
    expect([all.told("hung"), all.told("well")?.kind]).toEqual([undefined, "status"]);
    await until(() => asks.filter((name) => name === "well").length >= 3, "asked three times");
    expect(asks.filter((name) => name === "hung")).toHaveLength(1);
  });

  test("says why a node tells nothing", async () => {
    const all = makeAskAll({
      others: () => serversNamed(["a"]),
      ask: () => Promise.reject(new Fault("unauthorized", "it has another MIR_ADMIN_TOKEN")),
      nowMs: () => 0,
    });
    using _all = all;
    await all.look();
    expect(all.told("a")).toEqual({ kind: "reason", reason: "it has another MIR_ADMIN_TOKEN" });
  });

  test("never asks more than statusAsksMax at once", async () => {
    const names = Array.from({ length: LIMITS.statusAsksMax + 5 }, (_, i) => `n${i}`);
    const { all, asks } = mesh(names, new Set(names));
    using _all = all;
    await all.look();
    expect(asks).toHaveLength(LIMITS.statusAsksMax);
  });

  test("ends when nobody looks any more, and what was told is forgotten", async () => {
    const { all, pass } = mesh(["a"]);
    using _all = all;
    await all.look();
    pass(DEADLINES.meshLookMs + 1);
    await until(() => all.told("a") === undefined, "forgotten");
    await all.look();
    expect(all.told("a")?.kind).toBe("status");
  });

  test("follows the topology", async () => {
    const { all, become } = mesh(["a", "b"]);
    using _all = all;
    await all.look();
    become(["b", "c"]);
    await until(() => all.told("c") !== undefined, "asked");
    expect(all.told("a")).toBeUndefined();
  });

  test("gives up what is under way when the node stops", async () => {
    const { all } = mesh(["hung"], new Set(["hung"]));
    const look = all.look();
    all[Symbol.dispose]();
    await look;
    await until(() => all.told("hung") !== undefined, "given up");
    expect(all.told("hung")).toEqual({ kind: "reason", reason: "no answer" });
  });
});
