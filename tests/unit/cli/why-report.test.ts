/** What mir why prints of a document, and what it does with one of another version. */

import { describe, expect, test } from "bun:test";
import { makePaint } from "../../../src/cli/demo/paint.ts";
import { whyLines } from "../../../src/cli/why-report.ts";
import { whyOf } from "../../../src/cli/why-schema.ts";
import type { WhyDocument } from "../../../src/node/why.ts";

const MD = "ha/rb/ou/md/harbour.jpg";
const FILL = { firstMs: undefined, queueMs: undefined, workMs: undefined, madeOf: undefined };
const DOCUMENT: WhyDocument = {
  ...{ server: "edge-1", level: 0, asked: "summer", id: "harbour", webId: "summer" },
  ...{ size: "md", format: "jpg", blocked: true, purgedAt: 940, pinned: [MD], outbox: "waiting" },
  levels: [
    {
      ...{ level: 0, more: 6 },
      servers: [
        {
          ...{ server: "edge-1", rank: 1, self: true, state: "up", region: "eu", weight: 2 },
          ...{ draining: true, unknown: undefined },
          variants: [{ relname: MD, bytes: 2048, validator: "00112233445566ff" }],
        },
        {
          ...{ server: "edge-20", rank: 2, self: false, state: "down", region: undefined },
          ...{ weight: 1, draining: false, variants: undefined, unknown: "not asked: it is down" },
        },
      ],
    },
  ],
  hot: { threshold: 5, tracked: undefined, replicas: [] },
  fills: [
    {
      ...FILL,
      ...{ worker: 1, relname: MD, bytes: 2048, source: "upload", from: undefined },
      ...{ at: 970, totalMs: 0, stored: true },
    },
  ],
  workers: [
    {
      worker: 1,
      answered: true,
      path: { id: "harbour", freshSeconds: 0, accesses: 3 },
      refusals: [{ of: "harbour", code: "not_found", seconds: 4 }],
    },
    { worker: 2, answered: false, path: undefined, refusals: [] },
  ],
  next: [
    {
      ...{ workers: [1], relname: MD },
      steps: [
        { does: "pass-over", servers: ["edge-20"], why: "edge-20 is down" },
        { does: "ask-peer", servers: ["edge-3"], why: "stream from edge-3" },
        { does: "origin", servers: [], why: "GET of the original" },
      ],
    },
  ],
};

describe("mir why", () => {
  const lines = whyLines(whyOf(JSON.parse(JSON.stringify(DOCUMENT))), {
    ...{ paint: makePaint(false), nowSeconds: 1000 },
  });

  test("prints a document as it is told, in columns", () => {
    expect(lines).toEqual([
      "harbour  (web id summer)  seen from edge-1, level 0",
      "",
      `the next request for md jpg  ${MD}`,
      "   ·  edge-20 is down",
      "   1  stream from edge-3",
      "   2  else GET of the original",
      "",
      "level 0",
      "   1  edge-1   up       md jpg            2.0 KiB  00112233445566ff  owner, this node, draining, weight 2, eu, pinned",
      "   2  edge-20  down     not asked: it is down",
      "      and 6 further servers, which were not asked",
      "",
      "heat     cold: not asked for of late (hot from 5)",
      "state    blocked: answered with 451",
      "         purged 1m ago",
      "         an upload is on its way from here to the store",
      `         pinned: ${MD}`,
      "paths    worker 1: summer is harbour, stale, 3 accesses",
      "         worker 2 had no time to say what it knows",
      "refused  worker 1: harbour is not_found for 4 s more",
      "fills    md jpg           upload, 2.0 KiB, 30s ago",
    ]);
  });

  test("refuses what it cannot read, and says where", () => {
    expect(() => whyOf({ ...DOCUMENT, levels: [{ level: "0" }] })).toThrow(
      "another version: levels.0",
    );
  });
});
