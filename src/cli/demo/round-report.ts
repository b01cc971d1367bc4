/** The round for people and for machines, and whether it showed all it is there to show. */

import { formatBytes } from "../../base/bytes.ts";
import type { Source } from "../../content/served.ts";
import type { Answer, NoAnswer } from "./ask.ts";
import { type Member, SOURCES } from "./cache-status.ts";
import type { Paint } from "./paint.ts";
import type { Row } from "./round.ts";
import { isGood } from "./round.ts";
import { formatTable } from "./table.ts";

/** What the round must show: each in some member of some `Cache-Status`. */
const SHOWN = ["hit", "peer", "upstream", "origin", "generated"] as const;

export interface Summary {
  readonly requests: number;
  /** Answers that were no picture: 422 for a damaged file and the like. */
  readonly refused: number;
  /** Requests without any answer, or with one whose `Cache-Status` says nothing. */
  readonly failed: number;
  /** How often each stands as an answer's last member: what the edge that was asked did. */
  readonly atEdge: Readonly<Record<Source, number>>;
  /** How often each stands anywhere. */
  readonly anywhere: Readonly<Record<Source, number>>;
  /** Of `SHOWN`, those that did not occur. */
  readonly missing: readonly Source[];
}

export function summarize(rows: readonly Row[]): Summary {
  const atEdge = noCounts();
  const anywhere = noCounts();
  let refused = 0;
  let failed = 0;
  for (const { answer } of rows) {
    if (!("status" in answer)) failed++;
    else if (!isGood(answer)) refused++;
    else if (answer.members === undefined) failed++;
    const members = membersOf(answer);
    for (const { source } of members) anywhere[source]++;
    const last = members.at(-1);
    if (last !== undefined) atEdge[last.source]++;
  }
  const missing = SHOWN.filter((source) => anywhere[source] === 0);
  return { requests: rows.length, refused, failed, atEdge, anywhere, missing };
}

const HEADS = ["picture", "variant", "asked", "outcome", "answered by", "status", "bytes", "ms"];

export function roundTable(rows: readonly Row[], paint: Paint): string {
  const cells = rows.map(({ photo, variant, edge, answer }) => [
    photo,
    variant,
    edge,
    outcomeOf(answer),
    chainOf(answer),
    "status" in answer ? String(answer.status) : "—",
    "status" in answer ? formatBytes(answer.bytes) : "—",
    answer.ms.toFixed(answer.ms < 10 ? 1 : 0),
  ]);
  return formatTable(
    HEADS.map((head, i) => ({ head, right: i >= HEADS.length - 2 })),
    cells,
    (text, column) => (column === HEADS.indexOf("outcome") ? paint.source(text) : text),
  );
}

/** What the asked edge itself says: its own member is the last. */
function outcomeOf(answer: Answer | NoAnswer): string {
  const last = membersOf(answer).at(-1);
  if (last !== undefined) return last.source;
  return "status" in answer ? "refused" : "failed";
}

/**
 * The nodes behind the asked one, from the one that had the bytes or made them; alone when it did
 * so itself.
 */
function chainOf(answer: Answer | NoAnswer): string {
  if ("failed" in answer) return answer.failed;
  const members = membersOf(answer);
  const behind = members.length > 1 ? members.slice(0, -1) : members;
  return behind.map(({ node, source }) => `${node} ${source}`).join(", ");
}

export function summaryLines(summary: Summary, paint: Paint): readonly string[] {
  const { requests, refused, failed, atEdge, anywhere, missing } = summary;
  const counts = [
    ...SOURCES.map((source) => [atEdge[source], source] as const),
    [refused, "refused"] as const,
    [failed, "failed"] as const,
  ].filter(([count]) => count > 0);
  const shares = counts.map(([count, what]) => `${count} ${paint.source(what)}`).join(", ");
  const lines = [`${requests} requests: ${shares}`];
  const seen = SHOWN.map((source) => `${source} ${anywhere[source]}`).join(", ");
  lines.push(`what all nodes on the way did, the asked edge with them: ${seen}`);
  if (missing.length > 0) lines.push(paint.bad(`not seen: ${missing.join(", ")}`));
  if (refused === requests) lines.push(paint.bad("none of the pictures asked for can be decoded"));
  return lines;
}

/** One document: rows with every member of their `Cache-Status`, and the summary. */
export function roundJson(rows: readonly Row[], summary: Summary): string {
  const ok = summary.missing.length === 0;
  return JSON.stringify({ ok, summary, rows: rows.map(rowJson) });
}

function rowJson({ photo, variant, edge, answer }: Row): Record<string, unknown> {
  const asked = {
    photo,
    variant,
    edge,
    outcome: outcomeOf(answer),
    ms: Math.round(answer.ms * 10) / 10,
  };
  if ("failed" in answer) return { ...asked, failed: answer.failed };
  const { status, bytes, contentType } = answer;
  return { ...asked, status, bytes, contentType, cacheStatus: membersOf(answer) };
}

export function membersOf(answer: Answer | NoAnswer): readonly Member[] {
  return "status" in answer ? (answer.members ?? []) : [];
}

export function noCounts(): Record<Source, number> {
  return { hit: 0, peer: 0, generated: 0, upstream: 0, origin: 0, "stand-in": 0 };
}
