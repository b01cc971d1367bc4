/** The `/status` of every other node of the mesh, asked anew each second while somebody looks. */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { StatusDocument } from "../http/status-document.ts";
import type { Server } from "../topology/topology.ts";
import { bounded } from "./bounded.ts";

/** What a node told last, or why it does not. */
export type Told =
  | { readonly kind: "status"; readonly status: StatusDocument; readonly at: number }
  | { readonly kind: "reason"; readonly reason: string };

export interface AskAll extends Disposable {
  /** Somebody looks. Resolves at once, but for the first time after a while: then when most have told. */
  look(): Promise<void>;
  told(server: string): Told | undefined;
}

interface Asked {
  readonly server: string;
  told: Told | undefined;
  /** Milliseconds at which it was asked last. */
  askedMs: number;
  under: Promise<void> | undefined;
}

/** One that hangs holds its own place only; of very many, those are asked first who have waited longest. */
export function makeAskAll(options: {
  /** Of the topology of now, this one left out. */
  readonly others: () => readonly Server[];
  readonly ask: (server: Server, signal: AbortSignal) => Promise<StatusDocument>;
  /** Unix milliseconds that never go back. */
  readonly nowMs: () => number;
}): AskAll {
  const { others, ask, nowMs } = options;
  const ending = new AbortController();
  const asked = new Map<string, Asked>();
  let lookedMs = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  const begin = (server: Server, entry: Asked): void => {
    entry.askedMs = nowMs();
    entry.under = ask(server, ending.signal)
      .then(
        (status): Told => ({ kind: "status", status, at: nowMs() / 1000 }),
        (error: unknown): Told => ({ kind: "reason", reason: asFault(error).message }),
      )
      .then((told) => {
        entry.told = told;
        entry.under = undefined;
      });
  };
  const tick = (): void => {
    if (nowMs() - lookedMs > DEADLINES.meshLookMs) {
      clearInterval(timer);
      timer = undefined;
      asked.clear();
      return;
    }
    const servers = others();
    follow(asked, servers);
    let free = LIMITS.statusAsksMax - [...asked.values()].filter((a) => a.under).length;
    const waiting = servers.flatMap((server) => {
      const entry = asked.get(server.name);
      return entry === undefined || entry.under !== undefined ? [] : [{ server, entry }];
    });
    for (const { server, entry } of waiting.sort((a, b) => a.entry.askedMs - b.entry.askedMs)) {
      if (free-- <= 0) break;
      begin(server, entry);
    }
  };

  return {
    async look() {
      lookedMs = nowMs();
      if (timer !== undefined || ending.signal.aborted) return;
      timer = setInterval(tick, DEADLINES.meshTickMs);
      timer.unref();
      tick();
      const first = Promise.all([...asked.values()].map(({ under }) => under));
      await bounded(first, DEADLINES.meshFirstMs);
    },
    told: (server) => asked.get(server)?.told,
    [Symbol.dispose]() {
      ending.abort();
      clearInterval(timer);
    },
  };
}

/** Those that have left the topology are forgotten. */
function follow(asked: Map<string, Asked>, servers: readonly Server[]): void {
  const names = new Set(servers.map(({ name }) => name));
  for (const name of asked.keys()) if (!names.has(name)) asked.delete(name);
  for (const server of names) {
    if (asked.has(server)) continue;
    asked.set(server, { server, told: undefined, askedMs: 0, under: undefined });
  }
}
