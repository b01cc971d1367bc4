/** What a request would do next, told without doing any of it. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../src/base/fault.ts";
import { parseRelname, type Variant } from "../../../../src/base/variant.ts";
import { forecast } from "../../../../src/content/why/forecast.ts";
import { HealthTable } from "../../../../src/mesh/health.ts";
import { COUNTER_NAMES } from "../../../../src/observe/counters.ts";
import { metaOf, put, relnameOfNumber } from "../../../support/cache-dir.ts";
import { makeNodeParts, type NodeParts } from "../../../support/node-parts.ts";

const EDGES = ["edge-1", "edge-2", "edge-3", "edge-4"];
const RELNAME = relnameOfNumber(1);
const NAME: Variant = parseRelname(RELNAME) ?? { id: "", size: "", ext: "" };
const FACTS = { width: 4000, height: 3000, alpha: false, animated: false };

function ranks(): readonly string[] {
  using any = makeNodeParts({ self: "edge-1", edges: EDGES });
  return any.parts.ownership.rank(0, undefined, NAME.id);
}

const [FIRST = "", SECOND = "", THIRD = ""] = ranks();

/** Does and servers of each step, and that nothing was counted, asked or told. */
function steps(node: NodeParts, wanted = NAME): string[] {
  const told = forecast(node.parts, wanted).steps;
  expect(COUNTER_NAMES.filter((name) => node.watched.count(name) > 0)).toEqual([]);
  expect([...node.asked, ...node.told]).toEqual([]);
  return told.map(({ does, servers }) => [does, ...servers].join(" "));
}

const make = (self: string, probing = false): NodeParts =>
  makeNodeParts({ self, edges: EDGES, probing });

function down(node: NodeParts, peer: string): void {
  new HealthTable(node.memory.health).setState(peer, "down", 0);
}

describe("the next request", () => {
  test("is a hit where the variant is on disk, and what it says does not count as an access", () => {
    using node = make(SECOND);
    put(node.parts.cache, { ...metaOf(RELNAME, 100), facts: FACTS });
    expect(steps(node)).toEqual([`hit ${SECOND}`]);
    expect(forecast(node.parts, NAME).steps[0]?.why).toContain(`a copy; ${FIRST} owns it`);
  });

  test("goes to the owner, then to those that stand in for it, this node in its turn", () => {
    using node = make(THIRD);
    expect(steps(node)).toEqual([`ask-peer ${FIRST}`, `ask-peer ${SECOND}`, "learn", "origin"]);
  });

  test("passes over who is down, and says so", () => {
    using node = make(THIRD);
    down(node, FIRST);
    expect(steps(node)).toEqual([`pass-over ${FIRST}`, `ask-peer ${SECOND}`, "learn", "origin"]);
    const [, second] = forecast(node.parts, NAME).steps;
    expect(second?.why).toContain(`rank 2, in place of ${FIRST}`);
  });

  test("makes it at the owner of the cheapest that is sufficient there", () => {
    using node = make(FIRST);
    const larger = metaOf(RELNAME.replace("/md/", "/xl/"), 100);
    put(node.parts.cache, { ...larger, facts: FACTS, lossySteps: 1 });
    expect(steps(node)).toEqual([`generate ${FIRST}`]);
    expect(forecast(node.parts, NAME).steps[0]?.why).toContain(larger.relname);
  });

  test("looks at peers first while content may lie where it belonged before", () => {
    using node = make(FIRST, true);
    expect(steps(node)).toEqual([`look-at-peers ${SECOND} ${THIRD}`, "learn", "origin"]);
  });

  test("asks those that have a copy of what is hot", () => {
    using node = make(THIRD);
    node.parts.hot.known.learn(RELNAME, [SECOND]);
    expect(steps(node)[0]).toBe(`ask-copy ${FIRST} ${SECOND}`);
  });

  test("is refused where that is remembered, and goes on remembering it", () => {
    using node = make(FIRST);
    node.parts.negatives.keep(NAME.id, new Fault("not_found", "there is no such original"));
    expect(steps(node)).toEqual(["refuse"]);
    expect(forecast(node.parts, NAME).steps[0]?.why).toContain(
      "404 not_found, remembered for 10 s",
    );
    expect(node.parts.negatives.look(NAME.id)?.code).toBe("not_found");
  });
});
