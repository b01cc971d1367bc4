/** Reads `Cache-Status` (RFC 9211): the nodes an answer came through, what each did for it. */

import type { Source } from "../../content/served.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import { type Item, parseList } from "./structured-list.ts";

/** What a node of a mesh did for an answer (spec §11). */
export const SOURCES = [
  "hit",
  "peer",
  "generated",
  "upstream",
  "origin",
  "stand-in",
] as const satisfies readonly Source[];

export interface Member {
  /** The server's name in the topology. */
  readonly node: string;
  readonly source: Source;
  readonly collapsed: boolean;
  readonly stored: boolean;
}

const PREFIX = "mir-";

/**
 * Members of the header, the one closest to the origin first (RFC 9211 §2). undefined when it is
 * not a list of nodes of ours: another cache's member, `hit` together with `fwd`, or neither of
 * the two.
 */
export function parseCacheStatus(header: string): readonly Member[] | undefined {
  if (header.length > DEMO_LIMITS.cacheStatusCharsMax) return undefined;
  const items = parseList(header);
  if (items === undefined || items.length === 0) return undefined;
  const members = items.map(memberOf);
  return members.every((member) => member !== undefined) ? members : undefined;
}

function memberOf({ value, parameters }: Item): Member | undefined {
  if (typeof value !== "string" || !value.startsWith(PREFIX)) return undefined;
  const hit = flag(parameters.get("hit"));
  const collapsed = flag(parameters.get("collapsed"));
  const stored = flag(parameters.get("stored"));
  const source = sourceOf(hit, parameters.get("fwd"), parameters.get("detail"));
  if (source === undefined || collapsed === undefined || stored === undefined) return undefined;
  return { node: value.slice(PREFIX.length), source, collapsed, stored };
}

function sourceOf(hit: boolean | undefined, fwd: unknown, detail: unknown): Source | undefined {
  if (hit === true) return fwd === undefined ? "hit" : undefined;
  if (hit === undefined || typeof fwd !== "string") return undefined;
  return SOURCES.find((source) => source === detail && source !== "hit");
}

/** undefined when it is there and no boolean. */
function flag(value: unknown): boolean | undefined {
  if (value === undefined) return false;
  return typeof value === "boolean" ? value : undefined;
}
