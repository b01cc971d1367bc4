/** What a node tells of what a peer asked it. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { spansToTell, tellAsk, traceOfAsk } from "../../../src/content/tell-ask.ts";
import type { AskFromPeer } from "../../../src/mesh/peer.ts";
import type { LogFields } from "../../../src/observe/log.ts";
import { makeRequestLog } from "../../../src/observe/request-log.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function nodeOf(settings: { readonly share: number; readonly slowMs?: number }) {
  const lines: LogFields[] = [];
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallSeconds: () => 0 };
  const write = (event: string, fields: LogFields): void => void lines.push({ event, ...fields });
  const requests = makeRequestLog({
    ...{ slowMs: 0, timing: "off", clientAddress: false, ...settings },
    ...{ clock, random: () => 0.5, write, warn: write },
  });
  const parts = { requests, clock, self: { name: "edge-2" } } as Parameters<typeof tellAsk>[0];
  const tell = (flags: string | undefined, outcome: string | Fault, ms = 1, timed = false) => {
    const traceparent = flags && `00-${TRACE}-00f067aa0ba902b7-${flags}`;
    const request = {
      ...{ relname: "ha/rb/ou/md/harbour.jpg", role: "owner", deadlineMs: 1, hops: 1 },
      ...{ peer: "edge-1", legacy: false, signal: new AbortController().signal },
      ...{ traceparent, timed },
    } satisfies AskFromPeer;
    const trace = traceOfAsk(parts, request);
    const startedMs = nowMs;
    nowMs += ms;
    tellAsk(parts, request, { trace, startedMs, outcome });
    return trace;
  };
  return { tell, lines };
}

describe("a request of a peer", () => {
  test("is of the sample when the node that the client asked says so", () => {
    const { tell, lines } = nodeOf({ share: 0.9 });
    tell("01", "hit");
    tell("00", "hit");
    expect(lines).toEqual([
      expect.objectContaining({ event: "peer request", peer: "edge-1", trace: TRACE }),
    ]);
  });

  test("without a trace is of this node's own sample", () => {
    const { tell, lines } = nodeOf({ share: 0.6 });
    tell(undefined, "hit");
    expect(lines).toEqual([expect.objectContaining({ outcome: "hit", share: 0.6 })]);
  });

  test("is told all the same when it failed, with the fault, and not where the log is off", () => {
    const broken = new Fault("bad_origin", "the store failed");
    const { tell, lines } = nodeOf({ share: 0.01 });
    tell("00", broken);
    tell("00", new Fault("not_found", "no such picture"));
    expect(lines.map(({ outcome }) => outcome)).toEqual(["bad_origin"]);
    const off = nodeOf({ share: 0 });
    off.tell("01", broken);
    expect(off.lines).toEqual([]);
  });

  test("that was slow is told with what it waited for, though the access log is off", () => {
    const { tell, lines } = nodeOf({ share: 0, slowMs: 100 });
    tell("00", "hit", 99);
    tell("00", "origin", 250);
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ event: "slow peer request", outcome: "origin", ms: 250, trace: TRACE },
        spans: 'total;dur=250;desc="edge-2"',
      }),
    ]);
  });

  test("hears where its time went only when it wants to", () => {
    const { tell } = nodeOf({ share: 0 });
    expect(spansToTell(tell("00", "hit", 1, false))).toBeUndefined();
    expect(spansToTell(tell("00", "hit", 2, true))).toEqual([
      { name: "total", us: 2000, at: "edge-2", hop: 0 },
    ]);
    expect(spansToTell(undefined)).toBeUndefined();
  });
});
