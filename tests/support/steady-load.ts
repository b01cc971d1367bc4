/** A small steady load on a mesh by a client that repeats a GET once when its connection fails. */

import type { Mesh } from "./mesh.ts";

/** Requests a second by default, and at once: so that one that hangs shows as such and not as a flood. */
const RATE = 40;
const AT_ONCE_MAX = 400;

export interface Asked {
  readonly path: string;
  readonly edge: string;
  /** `broken`: both tries ended in a connection error, or in a body that was cut. */
  readonly outcome: "whole" | "refused" | "broken";
  readonly status: number;
  readonly hash: bigint;
  readonly tries: number;
  /** `performance.now()` when it was asked. */
  readonly at: number;
  readonly ms: number;
  /** What the answer said, or what the last try failed with. */
  readonly told: string;
}

export interface SteadyLoad {
  /** Edges that a balancer in front would send requests to. */
  readonly serving: Set<string>;
  readonly asked: readonly Asked[];
  /** Resolves when `count` more requests have ended. */
  more(count: number): Promise<void>;
  /** What is asked within the next `forMs`, once all of it has ended. */
  askedWithin(forMs: number): Promise<readonly Asked[]>;
  /** No new requests; resolves when all have ended. */
  stop(): Promise<void>;
}

export function startSteadyLoad(
  mesh: Mesh,
  options: {
    readonly edges: readonly string[];
    readonly paths: readonly string[];
    readonly rate?: number;
  },
): SteadyLoad {
  const { edges, paths, rate = RATE } = options;
  const serving = new Set(edges);
  const asked: Asked[] = [];
  const open = new Set<Promise<void>>();
  let turn = 0;
  const timer = setInterval(() => {
    if (open.size >= AT_ONCE_MAX) return;
    const path = paths[turn % paths.length] ?? "";
    const one = askTwice(mesh, { path, turn, serving }).then((result) => {
      asked.push(result);
      open.delete(one);
    });
    open.add(one);
    turn++;
  }, 1000 / rate);
  return {
    serving,
    asked,
    async more(count) {
      const wanted = asked.length + count;
      while (asked.length < wanted) await Bun.sleep(10);
    },
    async askedWithin(forMs) {
      // not those of before: one of them may be with a node that stands still
      const before = new Set(open);
      const from = performance.now();
      await Bun.sleep(forMs);
      const until = performance.now();
      await Promise.all([...open].filter((one) => !before.has(one)));
      return asked.filter((a) => a.at >= from && a.at < until);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

async function askTwice(
  mesh: Mesh,
  what: { readonly path: string; readonly turn: number; readonly serving: ReadonlySet<string> },
): Promise<Asked> {
  const { path, turn, serving } = what;
  const at = performance.now();
  let told = "";
  let edge = "";
  for (let tries = 1; tries <= 2; tries++) {
    const edges = [...serving];
    edge = edges[(turn + tries) % edges.length] ?? "";
    try {
      const answer = await mesh.get(edge, path);
      const hash = BigInt(Bun.hash(await answer.bytes()));
      const { status } = answer;
      told = answer.headers.get("cache-status") ?? "";
      const outcome = status === 200 ? "whole" : "refused";
      return { path, edge, outcome, status, hash, tries, told, at, ms: performance.now() - at };
    } catch (error) {
      told = String(error);
    }
  }
  const ms = performance.now() - at;
  return { path, edge, outcome: "broken", status: 0, hash: 0n, tries: 2, told, at, ms };
}
