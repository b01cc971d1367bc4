/** Checks that nothing a machine has once is claimed twice: addresses, sockets, directories. */

import { resolve } from "node:path";
import { LIMITS } from "../base/limits.ts";
import {
  CACHE_DIR_BYTES_MAX,
  isAnyHost,
  SOCKET_PATH_BYTES_MAX,
  workerSocketPath,
} from "./hosts.ts";
import type { Findings, Path } from "./mistakes.ts";
import {
  numberOf,
  type RawServer,
  rawLevels,
  type Table,
  tableOf,
  textOf,
  textsOf,
} from "./raw.ts";

/** Something a machine has once. */
interface Claim {
  readonly path: Path;
  /** What it is and where, as a mistake shows it. */
  readonly text: string;
  readonly kind: "listen" | "dial" | "unix" | "directory";
  /** The address or the path. */
  readonly place: string;
  /** 0 for what has no port. */
  readonly port: number;
}

export function checkAddresses(file: Table, baseDir: string, findings: Findings): void {
  const servers = rawLevels(file).flatMap((level) => level.servers);
  const told = new Set<string>();
  for (const server of servers) {
    const directories = directoryClaims(server, baseDir);
    checkSocketPaths(server, baseDir, findings);
    checkDirectoryPaths(directories, findings);
    checkNesting(directories, findings, told);
    tellClashes(claimsOf(server, baseDir), findings, told);
  }
  for (const machine of machines(servers).values()) {
    checkNesting(
      machine.flatMap((server) => directoryClaims(server, baseDir)),
      findings,
      told,
    );
    tellClashes(
      machine.flatMap((server) => claimsOf(server, baseDir)),
      findings,
      told,
    );
  }
  checkOriginDirs(servers, baseDir, findings);
}

/**
 * Servers by the host their peers dial: two that share one are on one machine. Of others nothing
 * is known, and the same port or directory on two machines is usual.
 */
function machines(servers: readonly RawServer[]): ReadonlyMap<string, readonly RawServer[]> {
  const byHost = new Map<string, RawServer[]>();
  for (const server of servers) {
    const hosts = new Set(server.privates.map(({ table }) => textOf(table, "host")?.toLowerCase()));
    for (const host of hosts) {
      if (host === undefined) continue;
      const known = byHost.get(host);
      if (known === undefined) byHost.set(host, [server]);
      else known.push(server);
    }
  }
  return byHost;
}

function claimsOf(server: RawServer, baseDir: string): readonly Claim[] {
  const admin = { path: [...server.path, "admin"], table: tableOf(server.table, "admin") };
  const claims = [
    ...server.publics.map(({ path, table }) =>
      table["type"] === "unix" ? unixClaim(path, table, baseDir) : tcpClaim("listen", path, table),
    ),
    ...server.privates.map(({ path, table }) => tcpClaim("listen", path, table, "bind")),
    ...server.privates.map(({ path, table }) => tcpClaim("dial", path, table)),
    tcpClaim("listen", admin.path, admin.table),
    ...directoryClaims(server, baseDir),
  ];
  return claims.filter((claim) => claim !== undefined);
}

function tcpClaim(
  kind: "listen" | "dial",
  path: Path,
  table: Table,
  hostKey: "host" | "bind" = "host",
): Claim | undefined {
  const host = (textOf(table, hostKey) ?? textOf(table, "host"))?.toLowerCase();
  const port = numberOf(table, "port");
  if (host === undefined || port === undefined || port === 0) return undefined;
  const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return { path: [...path, "port"], text, kind, place: host, port };
}

function unixClaim(path: Path, table: Table, baseDir: string): Claim | undefined {
  const socket = textOf(table, "path");
  if (socket === undefined) return undefined;
  const place = workerSocketPath(resolve(baseDir, socket), 0);
  return { path: [...path, "path"], text: JSON.stringify(socket), kind: "unix", place, port: 0 };
}

/** `cache_dir` may be one of `cache_dirs`. */
function directoryClaims(server: RawServer, baseDir: string): readonly Claim[] {
  if (server.origin) return [];
  const home = textOf(server.table, "cache_dir");
  const claim = (dir: string, path: Path): Claim => ({
    path: [...server.path, ...path],
    text: JSON.stringify(dir),
    kind: "directory",
    place: resolve(baseDir, dir),
    port: 0,
  });
  const first = home === undefined ? [] : [claim(home, ["cache_dir"])];
  const dirs = textsOf(server.table, "cache_dirs").map((dir, i) => claim(dir, ["cache_dirs", i]));
  const same = dirs.findIndex(({ place }) => place === first[0]?.place);
  return [...first, ...dirs.filter((_, i) => i !== same)];
}

function tellClashes(claims: readonly Claim[], findings: Findings, told: Set<string>): void {
  const taken = new Map<string, Claim>();
  for (const claim of claims) {
    const scope = `${claim.kind} ${claim.port}`;
    const exact = `${scope} ${claim.place}`;
    const any = claim.kind === "listen" && isAnyHost(claim.place);
    // an address clashes with itself and with "any address", which clashes with all
    const first =
      taken.get(exact) ?? taken.get(`${scope} any`) ?? (any ? taken.get(scope) : undefined);
    if (first !== undefined) tellClash(claim, first, findings, told);
    if (!taken.has(exact)) taken.set(exact, claim);
    if (!taken.has(scope)) taken.set(scope, claim);
    if (any && !taken.has(`${scope} any`)) taken.set(`${scope} any`, claim);
  }
}

function tellClash(claim: Claim, first: Claim, findings: Findings, told: Set<string>): void {
  const key = claim.path.join(" ");
  if (told.has(key)) return;
  told.add(key);
  const what = claim.kind === "directory" ? "a directory" : "an address";
  findings.mistake(claim.path, {
    found: `${claim.text} a second time on one host`,
    expected: `${what} of its own (${findings.placeOf(first.path)} has ${first.text})`,
  });
}

function checkSocketPaths(server: RawServer, baseDir: string, findings: Findings): void {
  for (const { path, table } of server.publics) {
    const socket = table["type"] === "unix" ? textOf(table, "path") : undefined;
    if (socket === undefined) continue;
    const workers = numberOf(table, "workers") ?? LIMITS.workersMax;
    const bytes = Buffer.byteLength(
      workerSocketPath(resolve(baseDir, socket), Math.max(0, workers - 1)),
    );
    if (bytes <= SOCKET_PATH_BYTES_MAX) continue;
    findings.mistake([...path, "path"], {
      found: `a path of ${bytes} bytes with the worker's number`,
      expected: `at most ${SOCKET_PATH_BYTES_MAX} bytes, which is what a unix socket can have`,
    });
  }
}

function checkDirectoryPaths(claims: readonly Claim[], findings: Findings): void {
  for (const { path, place } of claims) {
    const bytes = Buffer.byteLength(place);
    if (bytes <= CACHE_DIR_BYTES_MAX) continue;
    findings.mistake(path, {
      found: `a path of ${bytes} bytes`,
      expected: `at most ${CACHE_DIR_BYTES_MAX} bytes`,
    });
  }
}

/** What lies in one would be foreign files of the other. */
function checkNesting(claims: readonly Claim[], findings: Findings, told: Set<string>): void {
  for (const claim of claims) {
    const outer = claims.find((c) => c.place !== claim.place && isWithin(claim.place, c.place));
    const key = claim.path.join(" ");
    if (outer === undefined || told.has(key)) continue;
    told.add(key);
    findings.mistake(claim.path, {
      found: `${claim.text} inside of ${outer.text}`,
      expected: "cache directories apart from each other",
    });
  }
}

/** Eviction unlinks what is in a cache directory: originals must never lie there. */
function checkOriginDirs(servers: readonly RawServer[], baseDir: string, findings: Findings): void {
  const caches = servers.flatMap((server) => directoryClaims(server, baseDir));
  for (const origin of servers) {
    const dir = textOf(origin.table, "origin_dir");
    if (dir === undefined) continue;
    const place = resolve(baseDir, dir);
    const clash = caches.find((c) => isWithin(place, c.place) || isWithin(c.place, place));
    if (clash === undefined) continue;
    const where = `${findings.placeOf(clash.path)} has ${clash.text}`;
    findings.mistake([...origin.path, "origin_dir"], {
      found: JSON.stringify(dir),
      expected: `a directory apart from every cache_dir (${where})`,
    });
  }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
}
