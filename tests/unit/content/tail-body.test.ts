/** Reading a file that a flight is still writing. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import type { FlightHead } from "../../../src/content/flight.ts";
import { createFlightMemory } from "../../../src/content/flight-table.ts";
import { openFlights } from "../../../src/content/flights.ts";
import { openTail } from "../../../src/content/tail-body.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mir-tail-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function flight(bytes: number) {
  const entered = openFlights(createFlightMemory(4), 1).enter("name");
  if (entered.kind !== "lead") throw new Error("not the lead");
  const { lead } = entered;
  const temp = join(dir, "temp");
  const facts = { width: 0, height: 0, alpha: false, animated: false };
  const meta = {
    relname: "r",
    bytes,
    validator: "0".repeat(16),
    modified: 0,
    facts,
    lossySteps: 0,
  };
  const head: FlightHead = { meta, source: "upstream", via: "", temp, stored: false };
  writeFileSync(temp, "");
  lead.begin(head);
  return { lead, head, temp, ticket: lead.ticket };
}

function opened(of: ReturnType<typeof flight>, clock = systemClock) {
  const body = openTail({ ticket: of.ticket, head: of.head, clock });
  if (body === undefined) throw new Error("could not be opened");
  return body;
}

const text = (chunk: Uint8Array | undefined): string | undefined =>
  chunk === undefined ? undefined : Buffer.from(chunk).toString();

describe("a body that is still being written", () => {
  test("gives what has been shown, waits for more, and ends at the whole length", async () => {
    const of = flight(10);
    const body = opened(of);
    appendFileSync(of.temp, "hello");
    of.lead.progress(5);
    expect(text(await body.read())).toBe("hello");
    const next = body.read();
    appendFileSync(of.temp, "world");
    of.lead.progress(10);
    expect(text(await next)).toBe("world");
    of.lead.done({ ...of.head, stored: true });
    expect(await body.read()).toBeUndefined();
  });

  test("bytes that are written but not shown yet stay unread", async () => {
    const of = flight(10);
    const body = opened(of);
    appendFileSync(of.temp, "helloworld");
    of.lead.progress(2);
    expect(text(await body.read())).toBe("he");
  });

  test("a load that fails is an error, never an end", async () => {
    const of = flight(10);
    const body = opened(of);
    appendFileSync(of.temp, "hello");
    of.lead.progress(5);
    await body.read();
    const next = body.read();
    of.lead.fail(new Fault("peer_failed", "gone"));
    expect(next).rejects.toMatchObject({ code: "peer_failed" });
  });

  test("the file may be renamed or unlinked under the reader", async () => {
    const of = flight(5);
    const body = opened(of);
    appendFileSync(of.temp, "hello");
    unlinkSync(of.temp);
    of.lead.done({ ...of.head, stored: true });
    expect(text(await body.read())).toBe("hello");
    expect(await body.read()).toBeUndefined();
  });

  test("a record that serves another flight by now: only the whole length proves the end", async () => {
    for (const [written, ends] of [
      ["hello", true],
      ["hell", false],
    ] as const) {
      const memory = createFlightMemory(1);
      const entered = openFlights(memory, 1).enter("first");
      if (entered.kind !== "lead") throw new Error("not the lead");
      const of = { ...flight(5), lead: entered.lead, ticket: entered.lead.ticket };
      of.lead.begin(of.head);
      const body = opened(of);
      appendFileSync(of.temp, written);
      of.lead.done(of.head);
      openFlights(memory, 1).enter("second");
      if (ends) expect(text(await body.read())).toBe("hello");
      else expect(body.read()).rejects.toMatchObject({ code: "peer_failed" });
    }
  });

  test("no progress for the stall deadline is an error", async () => {
    const of = flight(10);
    let now = 0;
    const clock = { monotonicMs: () => (now += DEADLINES.bodyStallMs), wallSeconds: () => 0 };
    expect(opened(of, clock).read()).rejects.toMatchObject({ code: "too_slow" });
    expect(now).toBeGreaterThan(0);
  });

  test("a file that is gone already is left to the cache", () => {
    const of = flight(10);
    unlinkSync(of.temp);
    expect(openTail({ ticket: of.ticket, head: of.head, clock: systemClock })).toBeUndefined();
  });
});
