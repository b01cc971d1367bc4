/** Bodies that outlive their source: the same bytes, in order, once each, or an error. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Body } from "../../../src/base/body.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { Fault, type FaultCode } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { type BodySource, failoverBody, type GoOn } from "../../../src/content/failover-body.ts";
import type { PeerState } from "../../../src/mesh/health.ts";
import { codeOf, readAll } from "../../support/bodies.ts";
import { bodyOf, noise, observed, variantOf } from "../../support/peers.ts";

const CONTENT = noise(10_000);
const META = variantOf(CONTENT.length);
const BROKEN = new Fault("peer_failed", "the connection broke off");

/** The bytes from `from` to `to` in pieces; then the end, or `end`. */
function part(from: number, to: number, end?: Error) {
  const pieces: Uint8Array[] = [];
  for (let at = from; at < to; at += 1000) pieces.push(CONTENT.slice(at, Math.min(to, at + 1000)));
  return bodyOf(pieces, end);
}

const source = (peer: string, body: Body, change: object = {}): BodySource => ({
  peer,
  meta: { ...META, ...change },
  body,
});

function reading(first: BodySource, goOn: GoOn, states: Record<string, PeerState> = {}) {
  const seen = observed();
  const parts = {
    health: { state: (peer: string) => states[peer] ?? "up" },
    counters: seen.counters,
    log: seen.log,
    clock: systemClock,
  };
  return { seen, body: failoverBody(parts, first, goOn) };
}

const nobody: GoOn = async () => undefined;

describe("a body whose source breaks off", () => {
  test("goes on at the same byte from the next source", async () => {
    const first = part(0, 4000, BROKEN);
    const asked: unknown[] = [];
    const { body, seen } = reading(source("a", first), async (offset, failed) => {
      asked.push([offset, ...failed]);
      return source("b", part(offset, CONTENT.length));
    });
    expect(await readAll(body)).toEqual(Buffer.from(CONTENT));
    expect(asked).toEqual([[4000, "a"]]);
    expect(seen.count("peer_failover")).toBe(1);
    expect(first.cancelled).toBe(true);
  });

  test("is the same bytes wherever and however often it breaks", async () => {
    const cuts = fc.array(fc.integer({ min: 0, max: CONTENT.length }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const ends = [...new Set(places)].sort((x, y) => x - y);
        const from = (offset: number): BodySource => {
          const end = ends.find((e) => e > offset);
          const body = end === undefined ? part(offset, CONTENT.length) : part(offset, end, BROKEN);
          return source(`from ${offset}`, body);
        };
        const { body } = reading(from(0), async (offset) => from(offset));
        expect(await readAll(body)).toEqual(Buffer.from(CONTENT));
      }),
    );
  });

  test("ends in that failure when nobody can go on, or asking fails", async () => {
    const lost = reading(source("a", part(0, 4000, BROKEN)), nobody);
    expect(await codeOf(readAll(lost.body))).toBe("peer_failed");
    const stalled = new Fault("too_slow", "stalled");
    const failing = reading(source("a", part(0, 4000, stalled)), () => Promise.reject(BROKEN));
    expect(await codeOf(readAll(failing.body))).toBe("too_slow");
    expect(failing.seen.count("peer_failover")).toBe(0);
  });

  test("does not go on with other bytes: another validator, another length", async () => {
    for (const change of [{ validator: "f".repeat(16) }, { bytes: CONTENT.length + 1 }]) {
      const other = part(0, CONTENT.length);
      const asked: string[][] = [];
      const { body } = reading(source("a", part(0, 4000, BROKEN)), async (_, failed) => {
        asked.push([...failed]);
        return failed.has("b") ? undefined : source("b", other, change);
      });
      expect(await codeOf(readAll(body))).toBe("peer_failed");
      expect(asked).toEqual([["a"], ["a", "b"]]);
      expect(other.cancelled).toBe(true);
    }
  });

  test("is not continued after damage on the way: what was handed out may be wrong", async () => {
    for (const code of ["bad_frame", "internal"] as FaultCode[]) {
      const { body } = reading(
        source("a", part(0, 4000, new Fault(code, "damaged"))),
        async (offset) => source("b", part(offset, CONTENT.length)),
      );
      expect(await codeOf(readAll(body))).toBe(code);
    }
  });

  test("gives up after so many sources that bring nothing", async () => {
    let asked = 0;
    const { body } = reading(source("a", part(0, 4000, BROKEN)), async () => {
      asked++;
      return source(`dead-${asked}`, bodyOf([], BROKEN));
    });
    expect(await codeOf(readAll(body))).toBe("peer_failed");
    expect(asked).toBe(LIMITS.bodyFailoversMax);
  });
});

describe("a body that waits", () => {
  /** Brings nothing until it is cancelled. */
  function silent(): Body & { cancelled: boolean; speak(bytes: Uint8Array): void } {
    const waiting = Promise.withResolvers<Uint8Array | undefined>();
    return {
      cancelled: false,
      read: () => waiting.promise,
      cancel() {
        this.cancelled = true;
        waiting.reject(new Fault("peer_failed", "given up"));
      },
      speak: (bytes) => waiting.resolve(bytes),
    };
  }

  test("leaves a peer that is not up any more as soon as there is another", async () => {
    const states: Record<string, PeerState> = {};
    const stuck = silent();
    const { body, seen } = reading(
      source("a", stuck),
      async (offset) => source("b", part(offset, CONTENT.length)),
      states,
    );
    const whole = readAll(body);
    states["a"] = "suspect";
    expect(await whole).toEqual(Buffer.from(CONTENT));
    expect(stuck.cancelled).toBe(true);
    expect(seen.count("peer_failover")).toBe(1);
  });

  test("stays with it when there is no other, and takes what it brings after all", async () => {
    const states: Record<string, PeerState> = {};
    const stuck = silent();
    const asked = Promise.withResolvers<void>();
    const { body } = reading(
      source("a", stuck),
      async () => {
        asked.resolve();
        return undefined;
      },
      states,
    );
    const read = body.read();
    states["a"] = "down";
    await asked.promise;
    stuck.speak(CONTENT);
    expect(await read).toEqual(CONTENT);
    expect(stuck.cancelled).toBe(false);
  });

  test("is given up with its source when the reader goes, and nobody else is asked", async () => {
    const stuck = silent();
    let asked = 0;
    const { body } = reading(source("a", stuck), async () => {
      asked++;
      return undefined;
    });
    const read = codeOf(body.read());
    body.cancel();
    expect(await read).toBe("peer_failed");
    expect([stuck.cancelled, asked]).toEqual([true, 0]);
  });
});
