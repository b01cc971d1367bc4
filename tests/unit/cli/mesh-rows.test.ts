/** What an operator is told of a mesh, and what is out of order in it. */

import { describe, expect, test } from "bun:test";
import { rowsOf, totalsOf, warningsOf } from "../../../src/cli/mesh-rows.ts";
import type { MeshDocument } from "../../../src/http/mesh-document.ts";
import type { StatusDocument } from "../../../src/http/status-document.ts";
import { meshDocument, statusDocument } from "../../support/status-documents.ts";

function mesh(...given: readonly Partial<StatusDocument>[]): MeshDocument {
  return meshDocument(
    given.map((one, i) => {
      const name = `edge-${i + 1}`;
      return { name, status: statusDocument({ server: name, ...one }), statusAt: 100 };
    }),
  );
}

const RATES = { seconds: 10, requests: 7, peerRequests: 3, hitRatio: 0.5, bytesIn: 1, bytesOut: 2 };

describe("a row", () => {
  test("has what the server has told", () => {
    const [row] = rowsOf(
      mesh({ rates: RATES, images: { workers: 2, busy: 1, queued: 4, later: 9 } }),
    );
    expect(row).toMatchObject({
      ...{ name: "edge-1", level: 0, state: "up", requestsPerSecond: 10, hitRatio: 0.5 },
      ...{ bytesInPerSecond: 1, bytesOutPerSecond: 2, queued: 4, outbox: 0, uptimeSeconds: 7 },
    });
  });

  test("of a server that has told nothing says why", () => {
    const document = meshDocument([{ name: "edge-1" }]);
    const [server] = document.levels[0]?.servers ?? [];
    if (server !== undefined) Reflect.set(server, "statusReason", "it does not answer");
    const [row] = rowsOf(document);
    expect(row).toMatchObject({ reason: "it does not answer", uptimeSeconds: undefined });
  });

  test("counts what clients ask once, whoever was asked by whom for it", () => {
    const totals = totalsOf(mesh({ rates: RATES }, { rates: RATES }));
    expect(totals).toEqual({ servers: 2, up: 2, requestsPerSecond: 14, bytesOutPerSecond: 4 });
  });
});

describe("a warning is told", () => {
  const only = (given: Partial<StatusDocument>): string[] => [...warningsOf(mesh({}, given))];

  test("not where all is well", () => {
    expect(only({})).toEqual([]);
  });

  test("of another topology, and of another version", () => {
    expect(only({ epoch: "fedcba9876543210" })[0]).toContain("edge-2 has another topology");
    expect(only({ classes: "0123" })).toEqual([
      "edge-2 has other sizes than edge-1: one is to be restarted",
    ]);
    expect(only({ classes: undefined })).toEqual([]);
    expect(only({ version: "0.2.0" })).toEqual(["edge-2 runs 0.2.0, edge-1 runs 0.1.0"]);
  });

  test("of a disk, of workers, of uploads set aside, of a node that stops", () => {
    const { cache, rebalance } = statusDocument();
    const [disk] = cache.disks;
    if (disk === undefined) throw new Error("no disk");
    const disks = [{ ...disk, state: "failed" as const }];
    expect(only({ cache: { ...cache, disks } })).toEqual(["edge-2: the disk /a is failed"]);
    expect(only({ workers: [{ worker: 1, state: "restarting" }] })).toEqual([
      "edge-2: 1 workers are being restarted",
    ]);
    expect(only({ outbox: { pending: 3, aside: 2 } })[0]).toContain("2 uploads are set aside");
    expect(only({ rebalance: { ...rebalance, failed: 3, fault: "no room" } })[0]).toContain(
      "no room",
    );
    expect(only({ draining: true })).toEqual(["edge-2 has been told to stop"]);
  });

  test("of servers that are down, and of an origin that is left alone, first of all", () => {
    const document = mesh({}, { epoch: "fedcba9876543210" });
    const [server] = document.levels[0]?.servers ?? [];
    const [origin] = document.levels[1]?.origins ?? [];
    if (server !== undefined) Reflect.set(server, "state", "down");
    if (origin !== undefined) Reflect.set(origin, "leftAlone", true);
    expect(warningsOf(document).slice(0, 2)).toEqual([
      "edge-1 is down, says edge-1",
      "the origin store keeps failing: it is left alone for a while",
    ]);
  });
});
