/** A peer that cannot be reached is left alone for a while, and not dialled by every request. */

import { describe, expect, test } from "bun:test";
import type { Clock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { BackOff } from "../../../src/mesh/back-off.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startFakePeer, startOwner } from "../../support/peers.ts";
import { until } from "../../support/until.ts";

/** A clock that goes when it is told to. */
function makeClock(): Clock & { pass(ms: number): void } {
  let now = 1000;
  return {
    monotonicMs: () => now,
    wallSeconds: () => 0,
    pass(ms) {
      now += ms;
    },
  };
}

describe("the wait after a failed dial", () => {
  test("doubles from the first to the longest, and is between half and all of it", () => {
    const bounds = [0, 1].map((random) => {
      const clock = makeClock();
      const backOff = new BackOff({ clock, deadlines: DEADLINES, random: () => random });
      return Array.from({ length: 8 }, () => {
        backOff.failed();
        const { waitMs } = backOff;
        clock.pass(waitMs);
        expect(backOff.waitMs).toBe(0);
        return waitMs;
      });
    });
    expect(bounds).toEqual([
      [50, 100, 200, 400, 800, 1600, 2500, 2500],
      [100, 200, 400, 800, 1600, 3200, 5000, 5000],
    ]);
    expect([DEADLINES.redialFirstMs, DEADLINES.redialLongestMs]).toEqual([100, 5000]);
  });

  test("stays within bounds however long the peer is gone", () => {
    const clock = makeClock();
    const backOff = new BackOff({ clock, deadlines: DEADLINES, random: () => 0.5 });
    for (let i = 0; i < 2000; i++) {
      backOff.failed();
      expect(backOff.waitMs).toBeLessThanOrEqual(DEADLINES.redialLongestMs);
      clock.pass(DEADLINES.redialLongestMs);
    }
  });

  test("counts dials that were under way together once, and begins anew after one that worked", () => {
    const clock = makeClock();
    const backOff = new BackOff({ clock, deadlines: DEADLINES, random: () => 1 });
    for (let i = 0; i < 10; i++) backOff.failed();
    expect(backOff.waitMs).toBe(100);
    backOff.succeeded();
    expect(backOff.waitMs).toBe(0);
    backOff.failed();
    expect(backOff.waitMs).toBe(100);
  });
});

describe("a peer that cannot be reached", () => {
  test("is dialled by one request, not by those that follow at once", async () => {
    const clock = makeClock();
    using stranger = startFakePeer(() => undefined, {
      name: "somebody",
      epoch: "e",
      version: 1,
      nonce: "0".repeat(64),
    });
    using asker = startAsker(stranger.port, { clock, random: () => 1 });
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    for (let i = 0; i < 50; i++) {
      const fault = await faultOf(asker.ask());
      expect([fault.code, fault.retryAfterMs]).toEqual(["peer_failed", 100]);
    }
    expect(await codeOf(asker.tell({ kind: "warm", relname: "x" }))).toBe("peer_failed");
    expect(stranger.accepted).toBe(1);
    clock.pass(100);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(stranger.accepted).toBe(2);
    clock.pass(199);
    expect((await faultOf(asker.ask())).retryAfterMs).toBe(1);
    expect(stranger.accepted).toBe(2);
  });

  test("is used as soon as it has been reached again", async () => {
    const clock = makeClock();
    const gone = startOwner(async () => answerOf(noise(10)));
    const { port } = gone;
    await gone.listener.stop();
    using asker = startAsker(port, { clock });
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    await using back = startOwner(async () => answerOf(noise(10)), { port });
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    clock.pass(100);
    expect(await readAll((await asker.ask()).body)).toHaveLength(10);
    expect(back.listener.connections).toBe(1);
  });

  test("is served by the connections that are open, and only new ones wait", async () => {
    const clock = makeClock();
    const first = Promise.withResolvers<void>();
    let asked = 0;
    await using owner = startOwner(
      async () => {
        asked++;
        if (asked === 1) await first.promise;
        return answerOf(noise(10));
      },
      { connectionsMax: 1 },
    );
    using asker = startAsker(owner.port, { clock });
    const slow = asker.ask();
    await until(() => asked === 1);
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    first.resolve();
    expect(await readAll((await slow).body)).toHaveLength(10);
    expect(await readAll((await asker.ask()).body)).toHaveLength(10);
  });

  test("takes those with it who waited for a connection, when none is left", async () => {
    let asked = 0;
    await using owner = startOwner(
      async () => {
        asked++;
        return new Promise(() => undefined);
      },
      { deadlines: { drainFinishMs: 0 } },
    );
    using asker = startAsker(owner.port, { connectionsMax: 1 });
    const codes = [asker.ask(), asker.ask(), asker.ask()].map(codeOf);
    await until(() => asked === 1);
    await owner.listener.stop();
    expect(await Promise.all(codes)).toEqual(["peer_failed", "peer_failed", "peer_failed"]);
  });
});
