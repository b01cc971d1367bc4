/** Requests counted by what became of them, and told one by one where that is asked for. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { HIT } from "../../../src/content/served.ts";
import type { Handler, RequestTimer } from "../../../src/http/image.ts";
import { watchRequests } from "../../../src/http/watch-requests.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import type { LogFields } from "../../../src/observe/log.ts";
import {
  makeRequestLog,
  type RequestLog,
  type RequestLogSettings,
} from "../../../src/observe/request-log.ts";
import {
  ask,
  makePictureSite,
  metaOf,
  PICTURE_PATH,
  patternOf,
} from "../../support/picture-site.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-00`;

function requestLog(settings: Partial<RequestLogSettings>, random = () => 0.999) {
  const lines: LogFields[] = [];
  const requests = makeRequestLog({
    ...{ share: 0, slowMs: 0, timing: "durations", clientAddress: false },
    ...settings,
    clock: { monotonicMs: () => 0, wallSeconds: () => 0 },
    random,
    write: (_, fields) => void lines.push(fields),
    warn: (event, fields) => void lines.push({ event, ...fields }),
  });
  return { requests, lines };
}

/** Each look at the clock is 1.26 ms later. */
function tickingClock() {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += 1.26), wallSeconds: () => 0 };
}

function watched(routes: Handler, requests: RequestLog = requestLog({}).requests) {
  const memory = createCounterMemory(1);
  const counters = openCounters(memory, 0);
  const clock = tickingClock();
  const handler = watchRequests(routes, { counters, clock, requests: () => requests });
  return { handler, counts: () => readCounters(memory) };
}

const bytes = patternOf(1000);
const picture = { kind: "bytes", meta: metaOf(1000), outcome: HIT, bytes } as const;
const { relname } = picture.meta;

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
    const { requests, lines } = requestLog({ share: 1 });
    const site = makePictureSite(
      (_, turn) => {
        if (turn === 2) throw new Fault("not_found", "m");
        return picture;
      },
      { requests },
    );
    const { handler } = watched(site.handler, requests);
    await handler(ask(`${PICTURE_PATH}?from=mail`));
    await handler(ask(PICTURE_PATH));
    await handler(ask("/nothing", {}, "PUT"));
    const ms = 1.26;
    expect(lines).toEqual([
      {
        ...{ method: "GET", path: `${PICTURE_PATH}?from=mail`, status: 200, bytes: 1000, ms },
        ...{ outcome: "mir-edge-1; hit", relname },
      },
      {
        ...{ method: "GET", path: PICTURE_PATH, status: 404, bytes: 0, ms },
        outcome: "mir-edge-1; fwd=uri-miss; detail=not_found",
      },
      { method: "PUT", path: "/nothing", status: 405, bytes: 0, ms, outcome: "-" },
    ]);
  });

  test("that failed, or whose trace somebody has sampled, are told though they are not of the sample", async () => {
    const { requests, lines } = requestLog({ share: 0.01 });
    const routes: Handler = ({ url }) =>
      new Response(null, { status: url.endsWith("broken") ? 502 : 200 });
    const { handler } = watched(routes, requests);
    await handler(ask("/well"));
    await handler(ask("/broken"));
    await handler(ask("/traced", { traceparent: TRACEPARENT.replace(/00$/, "01") }));
    await handler(ask("/untraced", { traceparent: TRACEPARENT }));
    expect(lines.map(({ path, sampled, trace }) => [path, sampled, trace])).toEqual([
      ["/broken", false, undefined],
      ["/traced", false, TRACE],
    ]);
  });

  test("are told with the trace that a hit was asked with, and its parent", async () => {
    const { requests, lines } = requestLog({ share: 1 });
    const { handler } = watched(makePictureSite(() => picture, { requests }).handler, requests);
    await handler(ask(PICTURE_PATH, { traceparent: TRACEPARENT }));
    expect(lines[0]).toMatchObject({ trace: TRACE, parent: "00f067aa0ba902b7" });
  });

  test("are told with the address of the client where that is wanted, and nowhere else", async () => {
    const server: RequestTimer = { timeout() {}, requestIP: () => ({ address: "192.0.2.7" }) };
    for (const clientAddress of [true, false]) {
      const { requests, lines } = requestLog({ share: 1, clientAddress });
      const { handler } = watched(() => new Response(), requests);
      await handler(ask("/x", { "x-forwarded-for": "198.51.100.1" }), server);
      expect(lines[0]?.["client"]).toBe(clientAddress ? "192.0.2.7" : undefined);
    }
  });

  test("the path of a line has an end", async () => {
    const { requests, lines } = requestLog({ share: 1 });
    const { handler } = watched(() => new Response(), requests);
    await handler(ask(`/${"a".repeat(LIMITS.urlCharsMax)}`));
    expect(String(lines[0]?.["path"]).length).toBe(LIMITS.urlCharsMax);
  });
});

describe("where the time of an answer went", () => {
  const site = (settings: Partial<RequestLogSettings>) => {
    const { requests, lines } = requestLog(settings);
    const { handler, count } = makePictureSite(
      (request) => {
        request.tracing?.()?.add("origin", 12.5);
        return picture;
      },
      { requests, clock: tickingClock() },
    );
    return { handler, lines, count };
  };
  const asking = { "x-mir-timing": "1" };

  test("is told to who asks, without the names of nodes unless the site allows it", async () => {
    const of = async (timing: RequestLogSettings["timing"], headers: Record<string, string>) =>
      (await site({ timing }).handler(ask(PICTURE_PATH, headers))).headers.get("server-timing");
    expect(await of("durations", asking)).toMatch(/^total;dur=[0-9.]+, origin;dur=12.5$/);
    expect(await of("nodes", asking)).toMatch(/, origin;dur=12.5;desc="edge-1"$/);
    expect(await of("off", asking)).toBeNull();
    expect(await of("nodes", {})).toBeNull();
  });

  test("is told in the log of a request that was slow, under its trace", async () => {
    const { handler, lines, count } = site({ slowMs: 1 });
    await handler(ask(PICTURE_PATH, { traceparent: TRACEPARENT }));
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ event: "slow request", path: PICTURE_PATH, status: 200, trace: TRACE },
        spans: expect.stringMatching(/origin;dur=12.5;desc="edge-1"$/),
      }),
    ]);
    expect(count("http_slow")).toBe(1);
  });

  test("is not told of one that was not", async () => {
    const { handler, lines, count } = site({ slowMs: 10_000 });
    await handler(ask(PICTURE_PATH));
    expect([lines.length, count("http_slow")]).toEqual([0, 0]);
  });
});
