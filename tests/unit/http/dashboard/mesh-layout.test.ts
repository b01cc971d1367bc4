/** Where everything stands in the picture of a mesh. */

import { describe, expect, test } from "bun:test";
import { layOut, linesOf, neighbour } from "../../../../src/http/dashboard/mesh-layout.ts";
import type { Rates } from "../../../../src/http/mesh-rates.ts";
import { countersWith, meshDocument } from "../../../support/status-documents.ts";

const named = (count: number): ReturnType<typeof meshDocument> =>
  meshDocument(Array.from({ length: count }, (_, i) => ({ name: `edge-${i + 1}` })));

describe("the picture of a mesh", () => {
  test.each([
    [3, 358],
    [3, 1200],
    [64, 358],
    [64, 1200],
  ])("of %d servers fits into %d pixels, and nothing stands on anything else", (count, width) => {
    const { servers, origins, height } = layOut(named(count), width);
    expect([servers.length, origins.length]).toEqual([count, 1]);
    const boxes = [...servers, ...origins];
    for (const box of boxes) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width + 0.001);
      expect(box.y + box.height).toBeLessThanOrEqual(height);
    }
    const overlap = boxes.filter((a, i) =>
      boxes.slice(i + 1).some((b) => {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x;
        return !apart && a.y < b.y + b.height && b.y < a.y + a.height;
      }),
    );
    expect(overlap).toEqual([]);
  });

  test("shows what flows, to the clients, between servers and from the store", () => {
    const document = named(2);
    const layout = layOut(document, 600);
    const rates: Rates = {
      counters: countersWith({ http_requests: 5, http_bytes: 500, origin_get: 1 }),
      outcomes: {},
      latency: { boundsSeconds: [], counts: [] },
      flows: [
        { from: "edge-2", answersPerSecond: 2, bytesPerSecond: 900 },
        { from: "gone", answersPerSecond: 2, bytesPerSecond: 900 },
      ],
    };
    const lines = linesOf(document, layout, (name) => (name === "edge-1" ? rates : undefined));
    expect(lines.map(({ key }) => key)).toEqual([
      "store>edge-1",
      "edge-1>clients",
      "edge-2>edge-1",
    ]);
  });

  test("of a large mesh shows the lines with most traffic only", () => {
    const document = named(200);
    const rates: Rates = {
      ...{ counters: countersWith({ http_requests: 1 }), outcomes: {}, flows: [] },
      latency: { boundsSeconds: [], counts: [] },
    };
    expect(linesOf(document, layOut(document, 1200), () => rates)).toHaveLength(120);
  });

  test("is walked by arrows, to the end and no further", () => {
    const { servers } = layOut(named(6), 400);
    const [first, second] = servers;
    const last = servers.at(-1);
    if (first === undefined || last === undefined) throw new Error("no boxes");
    expect(neighbour(servers, first, "ArrowRight")).toBe(second ?? first);
    expect(neighbour(servers, first, "ArrowLeft")).toBe(first);
    expect(neighbour(servers, first, "ArrowDown").row).toBe(first.row + 1);
    expect(neighbour(servers, last, "ArrowDown")).toBe(last);
  });
});
