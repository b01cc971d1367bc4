/** Watching peers: real connections, with deadlines made short. */

import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { NO_CREDENTIALS } from "../../../src/mesh/credentials.ts";
import { createHealthMemory, HealthTable } from "../../../src/mesh/health.ts";
import { supervise, type WatchDeadlines } from "../../../src/mesh/supervise.ts";
import { PONG_FRAME } from "../../../src/wire/encode.ts";
import { startLegacyPeer } from "../../support/legacy-peer.ts";
import {
  answerOf,
  EPOCH,
  noise,
  OWNER,
  observed,
  type RawSide,
  startFakePeer,
  startOwner,
} from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const SHORT: WatchDeadlines = {
  ...DEADLINES,
  connectMs: 200,
  helloMs: 200,
  heartbeatMs: 20,
  peerSilenceMs: 100,
  peerDownMs: 300,
  peerRetryFirstMs: 5,
  peerRetryLongestMs: 20,
  peerReturnMs: 200,
};

function watch(port: () => number, deadlines: Partial<WatchDeadlines> = {}, legacy = false) {
  const memory = createHealthMemory([OWNER]);
  const table = new HealthTable(memory);
  const seen = observed();
  const supervision = supervise({
    memory,
    addresses: () => [{ host: "127.0.0.1", port: port() }],
    self: "asker",
    epoch: EPOCH,
    credentials: NO_CREDENTIALS,
    legacy: () => legacy,
    log: seen.log,
    clock: systemClock,
    deadlines: { ...SHORT, ...deadlines },
    random: () => 0.5,
  });
  return {
    table,
    seen,
    state: (wanted: string) => until(() => table.state(OWNER) === wanted, wanted),
    [Symbol.dispose]: () => supervision[Symbol.dispose](),
  };
}

/** Answers pings while `talks` says so. */
function startTalker(talks: () => boolean) {
  const kinds: string[] = [];
  const sides: RawSide[] = [];
  const peer = startFakePeer((piece, side) => {
    if (!sides.includes(side)) sides.push(side);
    kinds.push(piece.kind);
    if (piece.kind === "ping" && talks()) side.send(PONG_FRAME);
  });
  return { peer, kinds, sides, [Symbol.dispose]: () => peer[Symbol.dispose]() };
}

const owner = () => startOwner(async () => answerOf(noise(1)));

describe("a peer that answers", () => {
  test("is up without a hello when it is a legacy one, which knows heartbeats and pings", async () => {
    using peer = startLegacyPeer();
    using watched = watch(() => peer.port, {}, true);
    await until(() => peer.heard.length >= 4);
    await watched.state("up");
    expect(peer.heard.slice(0, 2).map(({ command }) => command)).toEqual(["#", "^"]);
    expect(peer.accepted).toBe(1);
  });

  test("is up, with a round trip and a last sign of life, over one connection", async () => {
    await using peer = owner();
    using watched = watch(() => peer.port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    const [report] = watched.table.reportsOfAll();
    expect(report?.state).toBe("up");
    expect(report?.rttMs).toBeGreaterThan(0);
    expect(Math.abs((report?.lastSeen ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  test("gets a heartbeat and a ping at each beat, and nothing else", async () => {
    using peer = startTalker(() => true);
    using _ = watch(() => peer.peer.port);
    await until(() => peer.kinds.length >= 6);
    expect(new Set(peer.kinds)).toEqual(new Set(["heartbeat", "ping"]));
    expect(peer.peer.accepted).toBe(1);
  });
});

describe("a peer that is silent", () => {
  test("is suspect, and up again when it speaks before it counts as down", async () => {
    let talks = true;
    using peer = startTalker(() => talks);
    using watched = watch(() => peer.peer.port, { peerDownMs: 60_000 });
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    talks = false;
    await watched.state("suspect");
    talks = true;
    await watched.state("up");
    expect(peer.peer.accepted).toBe(1);
    expect(watched.table.takes(OWNER, "viral1")).toBe(true);
  });

  test("is down after a while, and its connection is given up for a new one", async () => {
    let talks = true;
    using peer = startTalker(() => talks);
    using watched = watch(() => peer.peer.port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    talks = false;
    await watched.state("down");
    await until(() => peer.peer.accepted > 1);
  });
});

describe("a peer that breaks off", () => {
  test("is suspect at once, and up as soon as it can be reached again", async () => {
    using peer = startTalker(() => true);
    using watched = watch(() => peer.peer.port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    const states: string[] = [];
    peer.sides[0]?.reset();
    await until(() => {
      states.push(watched.table.state(OWNER));
      return peer.peer.accepted === 2 && states.at(-1) === "up";
    });
    expect(new Set(states)).toContain("suspect");
    expect(states).not.toContain("down");
  });

  test("is down once so many dials in a row have failed, and is dialled on", async () => {
    const peer = startTalker(() => true);
    using watched = watch(() => peer.peer.port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    peer[Symbol.dispose]();
    await watched.state("down");
    expect(LIMITS.peerDialsMax).toBe(3);
  });

  test("comes back bit by bit: none of its ids at first, all of them in the end", async () => {
    let port = 0;
    const first = owner();
    port = first.port;
    using watched = watch(() => port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    await first[Symbol.asyncDispose]();
    await watched.state("down");
    await using second = owner();
    port = second.port;
    await watched.state("up");
    expect(watched.table.takes(OWNER, "viral1")).toBe(false);
    const ids = Array.from({ length: 50 }, (_, i) => `picture-${i}`);
    await until(() => ids.every((id) => watched.table.takes(OWNER, id)), "all taken");
  });

  test("that nobody has seen yet takes all of its ids when it first comes", async () => {
    let port = 1;
    using watched = watch(() => port);
    await watched.state("down");
    await using peer = owner();
    port = peer.port;
    await watched.state("up");
    expect(watched.table.takes(OWNER, "viral1")).toBe(true);
  });

  test("and is another node than the topology says is never up", async () => {
    await using peer = startOwner(async () => answerOf(noise(1)), { self: "somebody-else" });
    using watched = watch(() => peer.port);
    await watched.state("down");
    expect(watched.table.reportsOfAll()[0]?.lastSeen).toBeNull();
  });
});

describe("a failure that a worker reports", () => {
  test("is cleared by the answer to the next ping, not by an earlier one", async () => {
    let talks = true;
    using peer = startTalker(() => talks);
    using watched = watch(() => peer.peer.port, { peerSilenceMs: 60_000, peerDownMs: 60_000 });
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    talks = false;
    watched.table.report(OWNER);
    const pings = peer.kinds.length;
    await until(() => peer.kinds.length > pings + 4);
    expect(watched.table.state(OWNER)).toBe("suspect");
    talks = true;
    await watched.state("up");
  });
});

describe("a watch that ends", () => {
  test("closes its connections and dials nobody any more", async () => {
    await using peer = owner();
    const watched = watch(() => peer.port);
    await until(() => watched.table.reportsOfAll()[0]?.rttMs !== null);
    watched[Symbol.dispose]();
    await peer.listener.stop();
    expect(watched.table.state(OWNER)).toBe("up");
  });
});
