/** A GET at the admin listener of another node, by the way on which it can be reached from here. */

import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { errnoOf } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import { hostAndPort } from "../base/listening.ts";
import { readBounded } from "../base/read-bounded.ts";
import { adminSocketPath, isAnyHost, isLoopback } from "../topology/hosts.ts";
import type { Server } from "../topology/topology.ts";

export interface AdminAsk {
  readonly path: string;
  /** That of this node, which the other is taken to have too. */
  readonly token: string | undefined;
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly signal?: AbortSignal;
}

export interface AdminAnswer {
  /** `Content-Type`. */
  readonly type: string;
  readonly body: Buffer;
}

/** Rejects with a Fault whose message is for people, never later than `waitMs`. */
export async function askAdmin(server: Server, ask: AdminAsk): Promise<AdminAnswer> {
  const way = wayTo(server);
  if (way === undefined) {
    throw new Fault("not_found", noWay(server));
  }
  const late = AbortSignal.timeout(ask.waitMs);
  const signal = ask.signal === undefined ? late : AbortSignal.any([late, ask.signal]);
  try {
    return await fetchBy(way, ask, signal);
  } catch (error) {
    throw error instanceof Fault ? error : noAnswer(error, late.aborted ? ask.waitMs : undefined);
  }
}

/** A server that belongs to this machine has a socket here while it runs. */
function noWay({ cacheDir, privates }: Server): string {
  const isHere = existsSync(cacheDir) || privates.some(({ host }) => isOfThisMachine(host));
  if (isHere) return `it does not run: there is no ${adminSocketPath(cacheDir)}`;
  return "its admin listener is not reachable from here: add [levels.servers.admin]";
}

function isOfThisMachine(host: string): boolean {
  if (isLoopback(host)) return true;
  const addresses = Object.values(networkInterfaces()).flatMap((own) => own ?? []);
  return addresses.some(({ address }) => address === host);
}

/** The socket of a node on this machine, or the address of its listener. */
type Way = { readonly unix: string } | { readonly url: string };

/** An address that other machines reach; else the socket of a node on this machine; else loopback. */
export function wayTo(server: Pick<Server, "admin" | "cacheDir" | "privates">): Way | undefined {
  const { admin, cacheDir, privates } = server;
  const socket = adminSocketPath(cacheDir);
  const known = admin !== undefined && admin.port !== 0 ? admin : undefined;
  if (known === undefined || isLoopback(known.host)) {
    if (existsSync(socket)) return { unix: socket };
    return known && { url: urlOf(known) };
  }
  // a listener on every address is found where the control listener is
  const host = isAnyHost(known.host) ? (privates[0]?.host ?? known.host) : known.host;
  return { url: urlOf({ host, port: known.port }) };
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${hostAndPort(host, port)}`;
}

async function fetchBy(way: Way, ask: AdminAsk, signal: AbortSignal): Promise<AdminAnswer> {
  const { path, token, bytesMax } = ask;
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await ("unix" in way
    ? fetch(`http://mir${path}`, { signal, keepalive: false, unix: way.unix })
    : fetch(`${way.url}${path}`, {
        ...{ signal, keepalive: false, redirect: "manual", headers: authorization },
      }));
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw refusal(answer.status);
  }
  const body = await readBounded(answer, bytesMax);
  if (body === undefined) throw new Fault("bad_frame", `its answer has over ${bytesMax} bytes`);
  return { type: answer.headers.get("content-type") ?? "", body };
}

function refusal(status: number): Fault {
  if (status === 404) return new Fault("not_found", "its admin listener has no such page");
  if (status !== 401) return new Fault("peer_failed", `its admin listener answered ${status}`);
  return new Fault("unauthorized", "it has another MIR_ADMIN_TOKEN than this node");
}

function noAnswer(cause: unknown, lateMs: number | undefined): Fault {
  if (lateMs !== undefined) {
    return new Fault("too_slow", `no answer within ${lateMs / 1000} s`, { cause });
  }
  const why = errnoOf(cause) ?? "the connection failed";
  return new Fault("peer_failed", `its admin listener does not answer (${why})`, { cause });
}
