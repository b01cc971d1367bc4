/** Requests for one variant of another node: one request to it, and an answer for each. */

import { describe, expect, test } from "bun:test";
import type { Body } from "../../../src/base/body.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { startContext } from "../../../src/content/context.ts";
import type { Served } from "../../../src/content/served.ts";
import { makeSharedAsks } from "../../../src/content/shared-asks.ts";
import { makeWaiters } from "../../../src/content/waiters.ts";
import { codeOf } from "../../support/bodies.ts";
import { until } from "../../support/until.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const meta = {
  relname: "ab/cd/ef/md/abcdef.jpg",
  bytes: 30,
  validator: "0123456789abcdef",
  modified: 1,
  facts: { width: 4, height: 3, alpha: false, animated: false },
  lossySteps: 1,
};
const outcome = { source: "peer", collapsed: false, stored: false, via: "" } as const;

function fixture() {
  const parts = watchedParts();
  const asks = makeSharedAsks();
  const answers: PromiseWithResolvers<Served>[] = [];
  const ask = (budgetMs?: number): Promise<Served> => {
    const context = startContext(parts.clock, budgetMs === undefined ? {} : { budgetMs });
    return asks.ask(parts, "abcdef/md", {
      context,
      run() {
        const answer = Promise.withResolvers<Served>();
        answers.push(answer);
        return answer.promise;
      },
      goOn: () => Promise.reject(new Fault("peer_failed", "not here")),
    });
  };
  return { parts, asks, answers, ask };
}

function stream(): { served: Served; seen: { reads: number; cancelled: boolean } } {
  const seen = { reads: 0, cancelled: false };
  const body: Body = {
    async read() {
      return seen.reads === 3 ? undefined : new Uint8Array(10).fill(seen.reads++);
    },
    cancel() {
      seen.cancelled = true;
    },
  };
  return { served: { kind: "stream", meta, outcome, body }, seen };
}

async function lengthOf(served: Served): Promise<number> {
  if (served.kind !== "stream") throw new Error(served.kind);
  let length = 0;
  for (let c = await served.body.read(); c !== undefined; c = await served.body.read()) {
    length += c.length;
  }
  return length;
}

describe("those who ask for one variant of another node", () => {
  test("are a thousand and one request goes out; each gets the bytes of a small one", async () => {
    const { parts, asks, answers, ask } = fixture();
    const asked = Array.from({ length: 1000 }, () => ask());
    expect(answers).toHaveLength(1);
    answers[0]?.resolve({ kind: "bytes", meta, outcome, bytes: new Uint8Array(30) });
    const served = await Promise.all(asked);
    expect(served.every((s) => s.kind === "bytes" && s.bytes.length === 30)).toBe(true);
    expect(served.filter((s) => s.outcome.collapsed)).toHaveLength(999);
    expect([parts.count("flight_joined"), asks.size]).toEqual([999, 0]);
  });

  test("each read a large one whole, and its source once, also who comes while it runs", async () => {
    const { asks, answers, ask } = fixture();
    const asked = Array.from({ length: 100 }, () => ask());
    const { served, seen } = stream();
    answers[0]?.resolve(served);
    const bodies = [...(await Promise.all(asked)), await ask()];
    expect(new Set(await Promise.all(bodies.map(lengthOf)))).toEqual(new Set([30]));
    expect([answers.length, seen.reads, asks.size]).toEqual([1, 3, 0]);
  });

  test("while one alone reads a large one are one request more, however many", async () => {
    const { asks, answers, ask } = fixture();
    const alone = ask();
    answers[0]?.resolve(stream().served);
    const first = await alone;
    const asked = Array.from({ length: 50 }, () => ask());
    expect(answers).toHaveLength(2);
    answers[1]?.resolve(stream().served);
    const bodies = await Promise.all(asked);
    expect(await lengthOf(first)).toBe(30);
    for (const one of bodies) expect(await lengthOf(one)).toBe(30);
    expect(asks.size).toBe(0);
  });

  test("leave alone: the one whose request went out, too", async () => {
    const { answers, ask } = fixture();
    const [first, second] = [ask(), ask()];
    const { served, seen } = stream();
    answers[0]?.resolve(served);
    const [gone, stays] = [await first, await second];
    if (gone.kind === "stream") gone.body.cancel();
    expect(await lengthOf(stays)).toBe(30);
    expect(seen.cancelled).toBe(false);
  });

  test("hear the one Fault, and the next one asks anew", async () => {
    const { answers, ask } = fixture();
    const asked = [ask(), ask()].map(codeOf);
    answers[0]?.reject(new Fault("not_found", "no such picture"));
    expect(await Promise.all(asked)).toEqual(["not_found", "not_found"]);
    const anew = ask();
    expect(answers).toHaveLength(2);
    // an ask that is left open ends in the midst of another test
    answers[1]?.resolve({ kind: "bytes", meta, outcome, bytes: new Uint8Array(30) });
    await anew;
  });

  test("who has no time left leaves; when all have, the answer is given back", async () => {
    const { answers, ask } = fixture();
    expect(await codeOf(ask(1))).toBe("too_slow");
    const { served, seen } = stream();
    answers[0]?.resolve(served);
    await answers[0]?.promise;
    await Promise.resolve();
    expect(seen.cancelled).toBe(true);
    expect(DEADLINES.requestMs).toBeGreaterThan(1);
  });
});

describe("whoever asked, and whose client has gone", () => {
  function leaving() {
    const { parts, asks } = fixture();
    const answer = Promise.withResolvers<Served>();
    let load: AbortSignal | undefined;
    const ask = (client?: AbortController): Promise<Served> =>
      asks.ask(parts, "abcdef/md", {
        context: startContext(parts.clock, client && { signal: () => client.signal }),
        run(signal) {
          load = signal();
          return answer.promise;
        },
        goOn: () => Promise.reject(new Fault("peer_failed", "not here")),
      });
    return { asks, ask, answer, load: () => load };
  }

  test("before anybody looked leaves, and the load ends with the last of them", async () => {
    const { asks, ask, load } = leaving();
    const clients = [new AbortController(), new AbortController()] as const;
    const asked = clients.map((client) => codeOf(ask(client)));
    for (const client of clients) client.abort();
    expect(await Promise.all(asked)).toEqual(["abandoned", "abandoned"]);
    expect([load()?.aborted, asks.size]).toEqual([true, 0]);
  });

  test("after that leaves too, and the load goes on for who stays", async () => {
    const { ask, answer, load } = leaving();
    const client = new AbortController();
    let listening = false;
    const { signal } = client;
    const listen = signal.addEventListener.bind(signal);
    signal.addEventListener = (...what: Parameters<typeof listen>) => {
      listening = true;
      listen(...what);
    };
    const [goes, stays] = [codeOf(ask(client)), ask()];
    await until(() => listening);
    client.abort();
    expect(await goes).toBe("abandoned");
    expect(load()?.aborted).toBe(false);
    answer.resolve({ kind: "bytes", meta, outcome, bytes: new Uint8Array(30) });
    expect((await stays).kind).toBe("bytes");
  });
});

describe("waiters", () => {
  test("are bounded for one load", async () => {
    const waiters = makeWaiters();
    for (let i = 1; i < LIMITS.loadWaitersMax; i++) waiters.enter("a");
    const leave = waiters.enter("a");
    expect(await codeOf((async () => waiters.enter("a"))())).toBe("overloaded");
    waiters.enter("b");
    leave();
    leave();
    waiters.enter("a");
    expect(waiters.size).toBe(LIMITS.loadWaitersMax + 1);
  });

  test("are bounded in all", async () => {
    const waiters = makeWaiters();
    const leaves = Array.from({ length: LIMITS.waitersMax }, (_, i) => waiters.enter(`k${i}`));
    expect(await codeOf((async () => waiters.enter("one more"))())).toBe("overloaded");
    leaves[0]?.();
    waiters.enter("one more");
    expect(waiters.size).toBe(LIMITS.waitersMax);
  });
});
