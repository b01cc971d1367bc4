/** What has changed between two readings of a topology file, and whether a running node can take it (spec §8). */

import type { ServerTable, TopologyFile } from "./schema.ts";
import { isTable } from "./values.ts";

/** Values as JSON; `absent` for what is not there. */
export interface Change {
  /** As in the file, with the server's name for its position: `levels.servers[edge-1].weight`. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export type Comparison =
  | { readonly kind: "same" }
  /** All of it can be applied at once. */
  | { readonly kind: "live"; readonly changes: readonly Change[] }
  /** These need a restart of this node, so nothing is applied. */
  | { readonly kind: "restart"; readonly changes: readonly Change[] };

type Takes = "live" | "restart";

/**
 * By key; the longest that begins a changed key decides. What is not listed needs a restart, so that a key is never
 * taken for applied that is not.
 */
const SETTINGS: Readonly<Record<string, Takes>> = {
  meta: "live",
  s3: "live",
  "services.content_resolution_api": "restart",
  "services.thumbnail_endpoint": "restart",
  routing: "live",
  // the index keeps sizes as positions in this list
  sizes: "restart",
  image: "live",
  "image.exact_sizes": "restart",
  http: "live",
  limits: "live",
  "limits.queue": "restart",
  "limits.job_ms": "restart",
  cache: "restart",
  security: "restart",
  hot: "live",
  log: "live",
  tls: "restart",
};

/** Keys of the node's own table that it follows; those of other servers it follows all. */
const OWN_LIVE: readonly string[] = [
  "region",
  "weight",
  "draining",
  "legacy",
  "redirect_target",
  "private",
];

const ABSENT = "absent";

/** Pure. `self` is the name of the node that compares. */
export function compareTopologies(
  before: TopologyFile,
  after: TopologyFile,
  self: string,
): Comparison {
  const changes = [...settingsChanged(before, after), ...serversChanged(before, after)];
  if (changes.length === 0) return { kind: "same" };
  const refused = changes.filter(({ key }) => takes(key, self) === "restart");
  refused.push(...ownListeners(before, after, self));
  if (refused.length > 0) return { kind: "restart", changes: refused };
  return { kind: "live", changes };
}

function takes(key: string, self: string): Takes {
  const own = `levels.servers[${self}]`;
  if (key === own) return "restart";
  if (key.startsWith(`${own}.`)) {
    const name = key.slice(own.length + 1).split(/[.[]/, 1)[0] ?? "";
    return OWN_LIVE.includes(name) ? "live" : "restart";
  }
  if (key.startsWith("levels")) return "live";
  const rules = Object.entries(SETTINGS).filter(([rule]) => isWithin(key, rule));
  const [longest] = rules.sort(([a], [b]) => b.length - a.length);
  return longest?.[1] ?? "restart";
}

const isWithin = (key: string, rule: string): boolean => key === rule || key.startsWith(`${rule}.`);

/** The addresses peers dial may change; those this node has bound may not. */
function ownListeners(before: TopologyFile, after: TopologyFile, self: string): Change[] {
  const from = placed(before).get(self)?.server;
  const to = placed(after).get(self)?.server;
  if (from === undefined || to === undefined) return [];
  const bound = ({ private: list }: ServerTable): string =>
    shown(list.map(({ host, port, bind = host }) => `${bind}:${port}`));
  return changed(`levels.servers[${self}].private.bind`, bound(from), bound(to));
}

function settingsChanged(before: TopologyFile, after: TopologyFile): Change[] {
  return leavesChanged(leaves(withoutLevels(before), ""), leaves(withoutLevels(after), ""));
}

function withoutLevels({ levels: _, ...settings }: TopologyFile): object {
  return settings;
}

interface Placed {
  readonly level: number;
  readonly server: ServerTable;
}

function placed({ levels }: TopologyFile): ReadonlyMap<string, Placed> {
  return new Map(
    levels.flatMap(({ servers }, level) =>
      servers.map((server): [string, Placed] => [server.name, { level, server }]),
    ),
  );
}

function serversChanged(before: TopologyFile, after: TopologyFile): Change[] {
  const from = placed(before);
  const to = placed(after);
  const names = [...new Set([...from.keys(), ...to.keys()])];
  const changes = names.flatMap((name) => {
    const key = `levels.servers[${name}]`;
    const was = from.get(name);
    const is = to.get(name);
    if (was === undefined || is === undefined) {
      return changed(key, placeOf(was), placeOf(is));
    }
    return [
      ...changed(`${key}.level`, shown(was.level), shown(is.level)),
      ...leavesChanged(leaves(was.server, key), leaves(is.server, key)),
    ];
  });
  return [...changes, ...orderChanged(from, to)];
}

/** With md5-modulo the order in the file decides ownership. */
function orderChanged(
  from: ReadonlyMap<string, Placed>,
  to: ReadonlyMap<string, Placed>,
): Change[] {
  const common = (names: Iterable<string>, other: ReadonlyMap<string, Placed>): string =>
    shown([...names].filter((name) => other.has(name)));
  return changed("levels.servers", common(from.keys(), to), common(to.keys(), from));
}

const placeOf = (found: Placed | undefined): string =>
  found === undefined ? ABSENT : `level ${found.level}`;

/** Values by dotted key. Lists are one value, because their positions mean nothing to an operator. */
function leaves(value: unknown, key: string): ReadonlyMap<string, string> {
  if (!isTable(value)) return new Map([[key, shown(value)]]);
  return new Map(
    Object.entries(value).flatMap(([name, below]) => [
      ...leaves(below, key === "" ? name : `${key}.${name}`),
    ]),
  );
}

function leavesChanged(
  from: ReadonlyMap<string, string>,
  to: ReadonlyMap<string, string>,
): Change[] {
  const keys = [...new Set([...from.keys(), ...to.keys()])];
  return keys.flatMap((key) => changed(key, from.get(key) ?? ABSENT, to.get(key) ?? ABSENT));
}

function changed(key: string, from: string, to: string): Change[] {
  return from === to ? [] : [{ key, from, to }];
}

function shown(value: unknown): string {
  return value === undefined ? ABSENT : JSON.stringify(value);
}
