/** What a good file may still get wrong: it works, perhaps not to the effect its author wants. */

import { dirname, resolve } from "node:path";
import { parseByteSize } from "../base/bytes.ts";
import { adminSocketPath, isLoopback, SOCKET_PATH_BYTES_MAX } from "./hosts.ts";
import type { Findings } from "./mistakes.ts";
import { type RawLevel, type RawServer, rawLevels, type Table, tableOf, textOf } from "./raw.ts";
import { isAddress, parseStoreAddress } from "./store-address.ts";

type IsFolder = (path: string) => boolean;

/** Less is surely a mistake. */
const CAPACITY_LIKELY_BYTES = 2 ** 20;

export function warnOfEffects(
  file: Table,
  { baseDir, isFolder }: { readonly baseDir: string; readonly isFolder: IsFolder | undefined },
  findings: Findings,
): void {
  const levels = rawLevels(file);
  const servers = levels.flatMap((level) => level.servers);
  if (!servers.some((server) => server.origin)) {
    findings.warn(["levels"], "no origin: pictures that are not cached are 404 and uploads 503");
  }
  if (!levels[0]?.servers.some((server) => server.publics.length > 0)) {
    findings.warn(["levels", 0], "no server of level 0 has a public listener: no client can ask");
  }
  for (const level of levels) warnOfLevel(level, findings);
  for (const server of servers) {
    warnOfCapacity(server, findings);
    warnOfServer(server, file, findings);
    warnOfAdminSocket(server, baseDir, findings);
    warnOfOpenAdmin(server, findings);
    if (isFolder === undefined) continue;
    warnOfMissingOrigin(server, { baseDir, isFolder }, findings);
    warnOfSocketFolders(server, { baseDir, isFolder }, findings);
  }
  warnOfPeerMode(file, levels, findings);
  warnOfImage(tableOf(file, "image"), findings);
  if (file["s3"] !== undefined) warnOfStore(tableOf(file, "s3"), servers, findings);
}

function warnOfLevel({ path, servers }: RawLevel, findings: Findings): void {
  const nodes = servers.filter((server) => !server.origin);
  const placed = nodes.filter((server) => server.table["region"] !== undefined);
  if (placed.length > 0 && placed.length < nodes.length) {
    const without = nodes.filter((server) => !placed.includes(server)).map((server) => server.name);
    findings.warn(
      path,
      `only some servers have a region (not ${without.join(", ")}): the level is one group`,
    );
  }
  if (nodes.length > 0 && nodes.length < servers.length) {
    findings.warn(
      path,
      "origins beside servers: only the level above asks them; give them a level of their own",
    );
  }
  if (nodes.length > 0 && nodes.every((server) => server.table["draining"] === true)) {
    findings.warn(path, "every server is draining: the ranking is as if none were");
  }
  for (const server of nodes) {
    if (server.privates.length > 0 || (server.level === 0 && nodes.length === 1)) continue;
    findings.warn(
      server.path,
      server.level === 0
        ? "no private listener: it takes no part in the mesh, though it is ranked as a peer"
        : "no private listener: the level above cannot reach it",
    );
  }
}

/** Of a cache that holds no picture the unit was forgotten. */
function warnOfCapacity({ path, table }: RawServer, findings: Findings): void {
  const { capacity } = table;
  const bytes = typeof capacity === "string" ? parseByteSize(capacity) : capacity;
  if (typeof bytes !== "number" || bytes <= 0 || bytes >= CAPACITY_LIKELY_BYTES) return;
  findings.warn(
    [...path, "capacity"],
    `${bytes} bytes hold hardly a picture: write the unit, as in "200GiB"`,
  );
}

function warnOfServer(server: RawServer, file: Table, findings: Findings): void {
  const modulo = tableOf(file, "routing")["algorithm"] === "md5-modulo";
  if (modulo && (server.table["weight"] ?? 1) !== 1) {
    findings.warn([...server.path, "weight"], 'has no effect with algorithm = "md5-modulo"');
  }
  const security = tableOf(file, "security");
  if (security["insecure"] === true || security["tls_cert"] !== undefined) return;
  for (const { path, table } of server.privates) {
    const bind = textOf(table, "bind") ?? textOf(table, "host") ?? "";
    if (isLoopback(bind)) continue;
    findings.warn(
      [...path, table["bind"] === undefined ? "host" : "bind"],
      `${bind} is not loopback: mir serve refuses to start without MIR_CONTROL_KEY, ` +
        "[security] tls_cert, or [security] insecure = true",
    );
  }
}

function warnOfOpenAdmin({ path, table }: RawServer, findings: Findings): void {
  const host = textOf(tableOf(table, "admin"), "host");
  if (host === undefined || isLoopback(host)) return;
  findings.warn(
    [...path, "admin", "host"],
    `${host} is not loopback: mir serve refuses to start without MIR_ADMIN_TOKEN`,
  );
}

/** Only of this machine, as with originals. */
function warnOfSocketFolders(
  { publics }: RawServer,
  where: { readonly baseDir: string; readonly isFolder: IsFolder },
  findings: Findings,
): void {
  for (const { path, table } of publics) {
    const socket = table["type"] === "unix" ? textOf(table, "path") : undefined;
    if (socket === undefined) continue;
    const folder = dirname(resolve(where.baseDir, socket));
    if (where.isFolder(folder)) continue;
    findings.warn(
      [...path, "path"],
      `${folder} is no folder on this machine: mir serve refuses to start without it`,
    );
  }
}

/** We can bind it, through a short name of the directory; others have only the long one. */
function warnOfAdminSocket({ path, table }: RawServer, baseDir: string, findings: Findings): void {
  const dir = textOf(table, "cache_dir");
  if (dir === undefined) return;
  const bytes = Buffer.byteLength(adminSocketPath(resolve(baseDir, dir)));
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  findings.warn(
    [...path, "cache_dir"],
    `the path of the admin socket has ${bytes} bytes, more than the ${SOCKET_PATH_BYTES_MAX} ` +
      "that curl and most other programs can dial",
  );
}

/** Only of this machine: the folder may well be there where the nodes are. */
function warnOfMissingOrigin(
  { path, table }: RawServer,
  where: { readonly baseDir: string; readonly isFolder: IsFolder },
  findings: Findings,
): void {
  const dir = textOf(table, "origin_dir");
  if (dir === undefined) return;
  const full = resolve(where.baseDir, dir);
  if (where.isFolder(full)) return;
  findings.warn(
    [...path, "origin_dir"],
    `${full} is no folder on this machine: a node that asks it answers 502 to what is not cached`,
  );
}

function warnOfPeerMode(file: Table, levels: readonly RawLevel[], findings: Findings): void {
  const mode = textOf(tableOf(file, "routing"), "peer_mode") ?? "stream";
  const edge = levels[0]?.servers ?? [];
  if (mode === "stream" || edge.some(({ table }) => table["redirect_target"] !== undefined)) return;
  findings.warn(
    ["routing", "peer_mode"],
    "has no effect: no server of level 0 has a redirect_target",
  );
}

function warnOfImage(image: Table, findings: Findings): void {
  const exact = image["policy"] === "exact";
  const boxes = image["exact_sizes"];
  const some = Array.isArray(boxes) && boxes.length > 0;
  if (some && !exact) findings.warn(["image", "exact_sizes"], 'only used with policy = "exact"');
  if (exact && !some)
    findings.warn(["image", "policy"], "no exact_sizes: every WxH in a URL is refused");
}

function warnOfStore(store: Table, servers: readonly RawServer[], findings: Findings): void {
  if (!servers.some((server) => server.table["is_s3_origin"] === true)) {
    findings.warn(["s3"], "has no effect: no server has is_s3_origin = true");
  }
  const address = parseStoreAddress(textOf(store, "host") ?? "");
  if (address.kind === "ok" && store["bucket"] === undefined && isAddress(address.hostname)) {
    findings.warn(
      ["s3", "host"],
      `${address.hostname} names no bucket: set bucket, unless the store has only one`,
    );
  }
}
