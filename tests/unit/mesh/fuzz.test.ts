/** Nonsense on real sockets: nothing breaks, nothing is kept, every connection ends and says why. */

import { expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import type { PeerHandlers } from "../../../src/mesh/tell.ts";
import { readAll } from "../../support/bodies.ts";
import { FUZZ_SECONDS, FUZZ_SEED, type FuzzStream, fuzzStreams } from "../../support/fuzz.ts";
import { openFiles } from "../../support/memory.ts";
import { answerOf, dialRaw, noise, startAsker, startOwner } from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const MiB = 1024 * 1024;
const AT_ONCE = 16;
const CONTENT = noise(300_000);
const DEADLINES = { helloMs: 40, frameStallMs: 40, bodyStallMs: 40, linkIdleMs: 20 };
/** Descriptors that the runtime opens for itself now and then; thousands of connections ran meanwhile. */
const RUNTIME_FILES = 4;
const TIME_MS = FUZZ_SECONDS * 1000;

/** Handlers that do something else each time. */
function makeMoody(): PeerHandlers {
  let turn = 0;
  const note = async () => {
    turn++;
    if (turn % 3 === 0) throw new Fault("overloaded", "not now", { retryAfterMs: 5 });
    return { note: "noted", detail: { turn } };
  };
  return {
    ask: async () => {
      turn++;
      if (turn % 4 === 0) throw new Fault("not_found", "none");
      return answerOf(CONTENT.subarray(0, (turn * 7919) % CONTENT.length));
    },
    save: async ({ body }) => {
      turn++;
      if (turn % 4 === 0) body.cancel();
      if (turn % 4 === 1) await body.read();
      if (turn % 4 === 2) await readAll(body);
      return note();
    },
    warm: note,
    record: note,
    purge: note,
  };
}

/** Runs streams through `one`, some at once, until the time is up; how many there were. */
async function forAWhile(one: (stream: FuzzStream) => Promise<void>): Promise<number> {
  const streams = fuzzStreams(FUZZ_SEED);
  const until = performance.now() + TIME_MS;
  let ran = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < until) {
      const { value } = streams.next();
      if (value === undefined) return;
      await one(value);
      ran++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return ran;
}

for (const keys of [[], ["the key of this year"]]) {
  const kind = keys.length === 0 ? "a listener" : "a listener with a control key";
  test(
    `${kind} outlives nonsense (MIR_FUZZ_SEED=${FUZZ_SEED})`,
    async () => {
      await using owner = startOwner(makeMoody(), {
        deadlines: DEADLINES,
        credentials: { keys },
      });
      const throwOne = async ({ chunks, ending }: FuzzStream): Promise<void> => {
        using peer = await dialRaw(owner.port, { hello: false });
        for (const chunk of chunks) peer.send(chunk);
        if (ending === "end") peer.end();
        if (ending === "reset") peer.reset();
        await until(() => peer.closed);
      };
      await throwOne({ chunks: [], ending: "wait" });
      Bun.gc(true);
      const before = { rss: process.memoryUsage.rss(), files: openFiles(process.pid) };
      const ran = await forAWhile(throwOne);
      await until(() => owner.listener.connections === 0);
      expect(ran).toBeGreaterThan(AT_ONCE);
      Bun.gc(true);
      // streams and log lines of this test are in it too
      expect(process.memoryUsage.rss() - before.rss).toBeLessThan(160 * MiB);
      await until(() => openFiles(process.pid) <= before.files + RUNTIME_FILES);
      const refused = owner.lines.filter((line) => line.includes("peer refused"));
      expect(refused.every((line) => /reason/.test(line))).toBe(true);
      expect(refused).toHaveLength(owner.count("peer_refused") + owner.count("auth_refused"));
      expect(owner.lines.filter((line) => line.includes("connection failed"))).toEqual([]);
      using asker = startAsker(owner.port, { credentials: { keys } });
      const told = asker.tell({ kind: "warm", relname: "vi/ra/l1/md/viral123.jpg" });
      expect(["fulfilled", "rejected"]).toContain((await Promise.allSettled([told]))[0].status);
      expect(asker.count("peer_error")).toBe(0);
    },
    TIME_MS + 20_000,
  );
}

test(
  `a dialler outlives nonsense (MIR_FUZZ_SEED=${FUZZ_SEED})`,
  async () => {
    const codes = new Map<string, number>();
    const ran = await forAWhile(async ({ chunks, ending }) => {
      using liar = startLiar(chunks, ending);
      using asker = startAsker(liar.port, { deadlines: DEADLINES });
      try {
        await readAll((await asker.ask({ deadlineMs: 50 })).body);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    });
    expect(ran).toBeGreaterThan(AT_ONCE);
    const expected = ["bad_frame", "peer_failed", "too_slow"];
    expect([...codes.keys()].filter((code) => !expected.includes(code))).toEqual([]);
  },
  TIME_MS + 20_000,
);

/** Says the chunks to whoever connects, under the name of the owner when they begin with a hello. */
function startLiar(chunks: readonly Uint8Array[], ending: FuzzStream["ending"]) {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        for (const chunk of chunks) socket.write(named(chunk));
        if (ending === "end") socket.end();
        if (ending === "reset") socket.terminate();
      },
      data() {},
    },
  });
  return { port: server.port, [Symbol.dispose]: () => server.stop(true) };
}

/** The hello of a fuzz stream has a name as long as `owner `. */
function named(chunk: Uint8Array): Uint8Array {
  const text = Buffer.from(chunk).toString("latin1");
  return Buffer.from(text.replace('"name":"fuzzer"', '"name":"owner" '), "latin1");
}
