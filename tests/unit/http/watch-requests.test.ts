/** Requests counted by what became of them, and told one by one where that is asked for. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { HIT } from "../../../src/content/served.ts";
import { type AccessLine, makeAccessLog } from "../../../src/http/access-log.ts";
import type { Handler } from "../../../src/http/image.ts";
import { watchRequests } from "../../../src/http/watch-requests.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import {
  ask,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  patternOf,
} from "../../support/picture-site.ts";

function watched(routes: Handler, access?: ReturnType<typeof makeAccessLog>) {
  const memory = createCounterMemory(1);
  let nowMs = 0;
  const clock = { monotonicMs: () => (nowMs += 1.26), wallSeconds: () => 0 };
  const handler = watchRequests(routes, { counters: openCounters(memory, 0), clock, access });
  return { handler, counts: () => readCounters(memory) };
}

describe("answers", () => {
  test("are counted by the class of their status, at once or later", async () => {
    const statuses = [200, 206, 304, 307, 404, 416, 503];
    const { handler, counts } = watched((request) => {
      const status = statuses.shift() ?? 500;
      const answer = new Response(null, { status });
      return request.url.endsWith("late") ? Promise.resolve(answer) : answer;
    });
    for (let turn = 0; turn < 8; turn++) await handler(ask(turn % 2 === 0 ? "/late" : "/now"));
    const { http_2xx, http_3xx, http_4xx, http_5xx } = counts();
    expect([http_2xx, http_3xx, http_4xx, http_5xx]).toEqual([2, 2, 2, 2]);
  });

  test("are told one by one in an access log: what was asked, what became of it", async () => {
    const lines: AccessLine[] = [];
    const access = makeAccessLog((line) => void lines.push(line));
    const bytes = patternOf(1000);
    const site = makePictureSite(
      (_, turn) => {
        if (turn === 2) throw new Fault("not_found", "m");
        return { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes };
      },
      { access },
    );
    const { handler } = watched(site.handler, access);
    await handler(ask(`${PICTURE_PATH}?from=mail`));
    await handler(ask(PICTURE_PATH));
    await handler(ask("/nothing", {}, "PUT"));
    const ms = 1.3;
    expect(lines).toEqual([
      {
        ...{ method: "GET", path: `${PICTURE_PATH}?from=mail`, status: 200, bytes: 1000, ms },
        outcome: "mir-edge-1; hit",
      },
      {
        ...{ method: "GET", path: PICTURE_PATH, status: 404, bytes: "-", ms },
        outcome: "mir-edge-1; fwd=uri-miss; detail=not_found",
      },
      { method: "PUT", path: "/nothing", status: 405, bytes: "-", ms, outcome: "-" },
    ]);
  });

  test("the path of a line has an end", async () => {
    const lines: AccessLine[] = [];
    const access = makeAccessLog((line) => void lines.push(line));
    const { handler } = watched(() => new Response(), access);
    await handler(ask(`/${"a".repeat(LIMITS.urlCharsMax)}`));
    expect(lines[0]?.path.length).toBe(LIMITS.urlCharsMax);
  });
});
