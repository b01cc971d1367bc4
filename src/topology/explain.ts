/** What `mir check` says: a topology explained for people, or its mistakes (spec §9, §10). */

import { formatBytes } from "../base/bytes.ts";
import { unreachable } from "../base/fault.ts";
import { type Group, groupsFrom, groupsOf } from "./groups.ts";
import { workerSocketPath } from "./hosts.ts";
import type { Mistake, Warning } from "./mistakes.ts";
import type { ReadResult } from "./read.ts";
import type {
  Level,
  OriginSpec,
  PrivateListener,
  PublicListener,
  Server,
  Topology,
} from "./topology.ts";

/** Plain text: levels from top to bottom, settings, warnings. No line end after the last line. */
export function explainTopology(topology: Topology, warnings: readonly Warning[]): string {
  return [
    ...explainMesh(topology),
    ...topology.levels.flatMap((level) => ["", ...explainLevel(topology, level)]),
    "",
    ...explainPictures(topology),
    ...explainWarnings(warnings),
  ].join("\n");
}

/** Compiler style, a line each: `file:line:column  key: found X, expected Y (did you mean Z?)`. */
export function formatMistakes(mistakes: readonly Mistake[]): string {
  return mistakes.map(formatMistake).join("\n");
}

/** For machines: `{"ok":true,"file","warnings","topology"}` or `{"ok":false,"file","mistakes"}` */
export function checkJson(file: string, result: ReadResult): string {
  const rest =
    result.kind === "ok"
      ? { warnings: result.warnings, topology: result.topology }
      : { mistakes: result.mistakes };
  const orNull = (_: string, value: unknown) => (value === undefined ? null : value);
  return JSON.stringify({ ok: result.kind === "ok", file, ...rest }, orNull);
}

/** One of them. */
export function formatMistake(mistake: Mistake): string {
  const key = mistake.key === "" ? "" : `${mistake.key}: `;
  const hint = mistake.nearest === undefined ? "" : ` (did you mean ${mistake.nearest}?)`;
  const { found, expected } = mistake;
  return `${formatPlace(mistake)}  ${key}found ${found}, expected ${expected}${hint}`;
}

/** `file:line:column`, which editors and terminals turn into a link. */
function formatPlace({ file, line, column }: Mistake | Warning): string {
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}

function explainMesh(topology: Topology): string[] {
  const { algorithm, seed } = topology.routing;
  const counts = [
    counted(topology.levels.length, "level"),
    counted(topology.levels.flatMap((level) => level.servers).length, "server"),
    counted(topology.levels.flatMap((level) => level.origins).length, "origin"),
  ];
  const description = topology.description === "" ? [] : [topology.description];
  return [
    `${topology.name} ${topology.version}: ${counts.join(", ")}`,
    ...description,
    `between nodes: ${explainTrust(topology.security)}`,
    `ownership: ${algorithm} with seed ${JSON.stringify(seed)}, epoch ${topology.epoch}`,
  ];
}

/** The control key is a secret: whether there is one shows when a node starts. */
function explainTrust({ tls, insecure }: Topology["security"]): string {
  if (tls !== undefined) return `mutual TLS with ${tls.cert}, and MIR_CONTROL_KEY where it is set`;
  if (insecure) return "INSECURE: whoever reaches a private listener is believed";
  return "MIR_CONTROL_KEY, which only listeners on loopback can do without";
}

function explainLevel(topology: Topology, level: Level): string[] {
  const role = level.servers.length === 0 ? " (origin)" : "";
  const groups = groupsOf(level);
  return [
    `level ${level.index}${role}`,
    ...groups.flatMap((group) => group.servers.flatMap((s) => explainServer(topology, group, s))),
    ...level.origins.flatMap(explainOrigin),
  ];
}

function explainServer(topology: Topology, group: Group, server: Server): string[] {
  const capacity =
    server.capacityBytes === undefined
      ? `90 % of ${server.cacheDirs.length === 1 ? "its file system" : "each file system"}`
      : formatBytes(server.capacityBytes);
  const lines = [
    ...server.publics.map((listener) => ["public", explainPublic(topology, listener)]),
    ...server.privates.map((listener) => ["private", explainPrivate(listener)]),
    ...(server.admin === undefined ? [] : [["admin", address(server.admin)]]),
    ["cache", `${explainCache(server, capacity)}, ${inMemory(server)}`],
    ["workers", `${perCpu(server.workers)}, image workers ${perCpu(server.imageWorkers)}`],
    ["upstream", explainUpstream(topology, server)],
  ];
  return [
    `  ${server.name}: ${explainShare(topology, group, server)}`,
    ...lines.map(([name = "", text]) => `    ${name.padEnd(9)} ${text}`),
  ];
}

function inMemory({ ramBytes }: Server): string {
  return ramBytes === 0 ? "no answers in memory" : `${formatBytes(ramBytes)} in memory`;
}

function explainCache({ cacheDir, cacheDirs }: Server, capacity: string): string {
  const alone = cacheDirs.length === 1 && cacheDirs[0] === cacheDir;
  if (alone) return `${cacheDir}, ${capacity}`;
  return `${cacheDirs.join(" + ")}, ${capacity}; its own files in ${cacheDir}`;
}

function explainShare(topology: Topology, group: Group, server: Server): string {
  const where = group.region === undefined ? "the level" : `region ${group.region}`;
  if (server.draining && !group.servers.every((s) => s.draining))
    return `draining, owns nothing in ${where}`;
  return `owns ${percent(ownerShare(topology, group, server))} of ${where}`;
}

/** The part of all ids that `server` is rank 1 for, 0 to 1 (spec §4). */
function ownerShare(topology: Topology, group: Group, server: Server): number {
  switch (topology.routing.algorithm) {
    case "md5-modulo":
      return 1 / group.servers.length;
    case "rendezvous": {
      const ranked = group.servers.filter((s) => s.draining === server.draining);
      return server.weight / ranked.reduce((sum, s) => sum + s.weight, 0);
    }
    default:
      return unreachable(topology.routing.algorithm);
  }
}

function explainPublic({ tls }: Topology, listener: PublicListener): string {
  if (listener.type === "net") {
    return `${tls !== undefined && listener.tls ? "https" : "http"} ${address(listener)}`;
  }
  return `unix ${workerSocketPath(listener.path, "{worker}")}, ${perCpu(listener.workers)}`;
}

function explainPrivate(listener: PrivateListener): string {
  const bind = listener.bind === listener.host ? "" : `, bound to ${listener.bind}`;
  return `${address(listener)}${bind}`;
}

/** Level by level, the group of the same region first (spec §1 "Location"). */
function explainUpstream(topology: Topology, server: Server): string {
  const below = topology.levels.filter((level) => level.index > server.level);
  const steps = below.flatMap((level) => [
    ...groupsFrom(level, server.region).map((group) => {
      const names = group.servers.map((s) => s.name).join(", ");
      return group.region === undefined ? names : `${names} (${group.region})`;
    }),
    ...level.origins.map((origin) => `${origin.name} (${STORE_TEXT[origin.kind]})`),
  ]);
  return steps.length === 0 ? "none" : steps.join(" → ");
}

const STORE_TEXT = { s3: "S3", directory: "directory" } as const;

function explainOrigin(origin: OriginSpec): string[] {
  if (origin.kind === "directory") return [`  ${origin.name}: directory ${origin.dir}`];
  const bucket =
    origin.bucket === undefined ? "bucket named by the host" : `bucket ${origin.bucket}`;
  const style = origin.pathStyle ? ["path style"] : [];
  const region = origin.region === undefined ? [] : [`region ${origin.region}`];
  const prefix = origin.prefix === "" ? [] : [`prefix ${origin.prefix}`];
  return [
    `  ${origin.name}: S3 ${[origin.endpoint, bucket, ...style, ...region, ...prefix].join(", ")}`,
  ];
}

const POLICY_TEXT = {
  snap: "WxH in a URL is answered with the smallest class that holds it",
  exact: "WxH in a URL must be one of",
  classes: "WxH in a URL is refused",
} as const satisfies Record<Topology["image"]["policy"], string>;

function explainPictures({ http, sizes, image, services }: Topology): string[] {
  const boxes = image.policy === "exact" ? ` ${image.exactSizes.join(", ") || "(none)"}` : "";
  const better =
    image.autoFormats.length === 0 ? "" : `${image.autoFormats.join(", ")} where accepted, else `;
  const classes = sizes.map(
    ({ name, width, height, fit = "inside" }) =>
      `${name} ${width}x${height}${fit === "inside" ? "" : ` (${fit})`}`,
  );
  return [
    `pictures: /${http.prefix}/{webId}/{size}/{filename}.{ext}`,
    `  sizes     ${classes.join(", ")}, orig untouched, placeholder`,
    `  policy    ${image.policy}: ${POLICY_TEXT[image.policy]}${boxes}`,
    `  auto      ${better}gif when animated, png with alpha, jpg`,
    `  web ids   ${services.contentResolutionApi ?? "are content ids (no content_resolution_api)"}`,
  ];
}

function explainWarnings(warnings: readonly Warning[]): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.map((w) => `${formatPlace(w)}  ${w.key}: ${w.message}`);
  return ["", counted(warnings.length, "warning"), ...lines];
}

function address({ host, port }: { readonly host: string; readonly port: number }): string {
  const shown = port === 0 ? "any free port" : String(port);
  return host.includes(":") ? `[${host}]:${shown}` : `${host}:${shown}`;
}

function perCpu(workers: number | "cpus"): string {
  return workers === "cpus" ? "one per CPU" : String(workers);
}

function percent(share: number): string {
  const value = share * 100;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} %`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
