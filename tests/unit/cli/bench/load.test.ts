/** A load against servers that answer well, badly, late or not at all: real sockets, one thread. */

import { afterEach, describe, expect, test } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import { packIds } from "../../../../src/cli/bench/id-pack.ts";
import { slotOf } from "../../../../src/cli/bench/latencies.ts";
import { Load } from "../../../../src/cli/bench/load.ts";
import { type LoadPlan, partOf } from "../../../../src/cli/bench/plan.ts";
import {
  createTallyMemory,
  openTally,
  sumTallies,
  type Totals,
} from "../../../../src/cli/bench/tally.ts";
import { until } from "../../../support/until.ts";

/** What a server does with the n-th request (from 0) that it reads. */
type Script = (socket: Socket<undefined>, path: string, n: number) => void;

const servers: TCPSocketListener<undefined>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop(true);
});

function serve(script: Script): number {
  let n = 0;
  const server = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        // one at a time on a connection, so that a piece is a request
        const path = /^GET (\S+) HTTP\/1\.1\r\nHost: /.exec(bytes.toString())?.[1] ?? "";
        script(socket, path, n++);
      },
    },
  });
  servers.push(server);
  return server.port;
}

const good = (body = "picture", fields = "Cache-Status: mir-e; hit\r\n"): string =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const NOT_FOUND = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

function planFor(port: number, change: Partial<LoadPlan> = {}): LoadPlan {
  const target = { kind: "net", host: "127.0.0.1", port } as const;
  return {
    ...{ groups: [{ target, ids: packIds(["alps", "dunes", "moon"]) }], prefix: "puddle" },
    variants: [{ size: "sm", format: "jpg", weight: 1 }],
    ...{ zipf: 1, misses: 0, connections: 2, threads: 1, perSecond: undefined, rampMs: 0 },
    ...{ durationMs: undefined, count: 50, answerMs: 20_000, seed: 1 },
    ...change,
  };
}

async function run(plan: LoadPlan): Promise<Totals> {
  const memory = createTallyMemory(1);
  const load = new Load(partOf(plan, 0), openTally(memory, 0));
  await load.connect();
  await load.run();
  return sumTallies([openTally(memory, 0)]);
}

describe("a load", () => {
  test("asks for pictures by popularity, and counts what it gets", async () => {
    const asked = new Map<string, number>();
    const port = serve((socket, path) => {
      asked.set(path, (asked.get(path) ?? 0) + 1);
      socket.write(good());
    });
    const totals = await run(planFor(port, { count: 600 }));
    const paths = ["alps", "dunes", "moon"].map((id) => `/puddle/${id}/sm/a.jpg`);
    expect([...asked.keys()].sort()).toEqual(paths);
    const often = paths.map((path) => asked.get(path) ?? 0);
    expect(often).toEqual(often.toSorted((a, b) => b - a));
    expect(totals).toMatchObject({ sent: 600, good: 600, bodyBytes: 4200, unsent: 0 });
    expect(totals.sources["hit"]).toBe(600);
    expect(totals.statuses).toEqual({ "200": 600 });
  });

  test("asks for the same things again with the same seed", async () => {
    const runs = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const asked: string[] = [];
        const port = serve((socket, path) => {
          asked.push(path);
          socket.write(good());
        });
        await run(planFor(port, { count: 60, connections: 1, seed }));
        return asked.join(" ");
      }),
    );
    expect(runs[0]).toBe(runs[1] ?? "");
    expect(runs[0]).not.toBe(runs[2] ?? "");
  });

  test("whole paths are asked for as they are", async () => {
    const asked = new Set<string>();
    const port = serve((socket, path) => {
      asked.add(path);
      socket.write(good());
    });
    const target = { kind: "net", host: "127.0.0.1", port } as const;
    await run(planFor(port, { groups: [{ target, ids: packIds(["/any/where?x=1"]) }] }));
    expect([...asked]).toEqual(["/any/where?x=1"]);
  });

  test("asks for ids that nobody has, each another one, for which 404 is right", async () => {
    const missing = new Set<string>();
    const port = serve((socket, path) => {
      const nobody = path.includes("/nobody-");
      if (nobody) missing.add(path);
      socket.write(nobody ? NOT_FOUND : good());
    });
    const totals = await run(planFor(port, { count: 400, misses: 0.25 }));
    expect(totals).toMatchObject({ good: 400, missing: missing.size });
    expect(missing.size).toBeGreaterThan(50);
    expect(missing.size).toBeLessThan(150);
  });

  test("counts latencies from when requests were due: a stall is not left out", async () => {
    const stallMs = 400;
    const port = serve((socket, _path, n) => {
      const fromMs = performance.now();
      const isOver = n === 20 ? () => performance.now() - fromMs > stallMs : () => true;
      void until(isOver, "the stall is over").then(() => socket.write(good()));
    });
    // one connection, which nothing can pass while it waits
    const totals = await run(planFor(port, { connections: 1, perSecond: 200, count: 120 }));
    expect(totals).toMatchObject({ sent: 120, good: 120, unsent: 0 });
    // of the eighty that were due meanwhile about half waited longer than half of the stall
    const slow = Array.from(totals.all)
      .slice(slotOf(stallMs / 2))
      .reduce((a, b) => a + b, 0);
    expect(slow).toBeGreaterThan(20);
    expect(totals.latencyMaxMs).toBeGreaterThan(stallMs - 1);
    expect(totals.late).toBeGreaterThan(20);
  });

  test("counts what was due and never sent, when no answer comes any more", async () => {
    const port = serve((socket, _path, n) => {
      if (n < 10) socket.write(good());
    });
    const plan = planFor(port, {
      connections: 1,
      perSecond: 500,
      count: undefined,
      durationMs: 200,
    });
    const memory = createTallyMemory(1);
    const tally = openTally(memory, 0);
    const load = new Load(partOf(plan, 0), tally);
    await load.connect();
    const running = load.run();
    const startMs = performance.now();
    await until(() => performance.now() - startMs > 220, "the run is over");
    load.stop();
    await running;
    const totals = sumTallies([tally]);
    expect(totals.good).toBe(10);
    expect(totals.sent).toBe(11);
    expect(totals.unsent).toBeGreaterThan(30);
  });
});

describe("errors of a load", () => {
  const kinds = async (script: Script, change: Partial<LoadPlan> = {}): Promise<unknown> => {
    const {
      errors,
      good: whole,
      statuses,
    } = await run(planFor(serve(script), { count: 20, ...change }));
    const seen = Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0));
    return { ...seen, good: whole, statuses };
  };
  /** Every other request goes wrong. */
  const every2nd =
    (bad: (socket: Socket<undefined>) => void): Script =>
    (socket, _path, n) => {
      if (n % 2 === 1) bad(socket);
      else socket.write(good());
    };

  test("are told by kind, and the connection is made anew", async () => {
    const half = { good: 10, statuses: { "200": 10 } };
    const cutHead = every2nd((socket) => socket.end("HTTP/1.1 200 OK\r\nConte"));
    expect(await kinds(cutHead)).toEqual({ reset: 10, ...half });
    const cutBody = every2nd((socket) => socket.end(good("picture").slice(0, -1)));
    expect(await kinds(cutBody)).toEqual({ short: 10, ...half });
    const garbage = every2nd((socket) => void socket.write("220 this is no HTTP\r\n"));
    expect(await kinds(garbage)).toEqual({ broken: 10, ...half });
    const more = every2nd((socket) => void socket.write(`${good()}more`));
    expect(await kinds(more)).toMatchObject({ broken: 10 });
  });

  test("silence is a time-out, which counts in the latencies", async () => {
    const port = serve(every2nd(() => undefined));
    const totals = await run(planFor(port, { count: 4, answerMs: 60 }));
    expect(totals).toMatchObject({ good: 2, errors: { timeout: 2 } });
    expect(totals.latencyMaxMs).toBeGreaterThan(59);
  });

  test("statuses are told; 404 is one where the id is not nobody's", async () => {
    const busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    const script: Script = (socket, _path, n) =>
      void socket.write([good(), busy, NOT_FOUND, good()][n % 4] ?? "");
    expect(await kinds(script, { connections: 1 })).toEqual({
      good: 10,
      statuses: { "200": 10, "404": 5, "503": 5 },
    });
  });

  test("a server that closes after each answer, or between two, causes none", async () => {
    const closing = (socket: Socket<undefined>): void =>
      void socket.end(good("picture", "Connection: close\r\n"));
    expect(await kinds(closing)).toEqual({ good: 20, statuses: { "200": 20 } });
    const unasked: Script = (socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    expect(await kinds(unasked)).toEqual({ good: 20, statuses: { "200": 20 } });
  });

  test("a server that closes what nobody uses causes none", async () => {
    const open = new Set<Socket<undefined>>();
    let opened = 0;
    const server = Bun.listen<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          opened++;
          open.add(socket);
        },
        data: (socket) => void socket.write(good()),
        close: (socket) => void open.delete(socket),
      },
    });
    servers.push(server);
    const tally = openTally(createTallyMemory(1), 0);
    const load = new Load(partOf(planFor(server.port, { connections: 3, count: 40 }), 0), tally);
    expect(await load.connect()).toBe(3);
    await until(() => open.size === 3, "the server has all of them");
    for (const socket of open) socket.end();
    await until(() => opened === 6 && open.size === 3, "they stand again");
    await load.run();
    expect(sumTallies([tally])).toMatchObject({ good: 40, sent: 40, statuses: { "200": 40 } });
  });

  test("a server that closes what it has just accepted refuses it, and is left alone for a while", async () => {
    let opened = 0;
    const server = Bun.listen<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          // those of the start stand, or there would be no load
          if (opened++ >= 2) socket.end();
        },
        data: (socket, _bytes) => void socket.end(good("x", "Connection: close\r\n")),
      },
    });
    servers.push(server);
    const plan = planFor(server.port, { connections: 2, count: 400 });
    const tally = openTally(createTallyMemory(1), 0);
    const load = new Load(partOf(plan, 0), tally);
    await load.connect();
    const running = load.run();
    // with a request on its way or without
    const refused = (): number => {
      const { connect, reset } = sumTallies([tally]).errors;
      return connect + reset;
    };
    await until(() => refused() >= 6, "it is refused again and again");
    // at once it would be thousands
    expect(refused()).toBeLessThan(20);
    load.stop();
    await running;
  });

  test("where nobody listens no connection stands", async () => {
    const port = serve(() => undefined);
    servers.pop()?.stop(true);
    const tally = openTally(createTallyMemory(1), 0);
    const load = new Load(partOf(planFor(port), 0), tally);
    expect(await load.connect()).toBe(0);
    load.stop();
    await load.run();
  });
});
