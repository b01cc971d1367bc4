/** The one line of `mir statusline`: who at the left, how it does at the right, as much of it as has room. */

import { formatBytes } from "../base/bytes.ts";
import { type Tint, type Tone, toneOfShare } from "./tint.ts";
import { formatCount, formatShare, formatSpan } from "./words.ts";

/** What of `/status` is shown. */
export interface LineStatus {
  readonly server: string;
  readonly level: number;
  readonly uptimeSeconds: number;
  readonly cache: { readonly bytes: number; readonly capacityBytes: number };
  readonly rates: {
    readonly requests: number;
    readonly peerRequests: number;
    readonly hitRatio: number | null;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
}

interface Part {
  readonly text: string;
  readonly tone: Tone | undefined;
  /** The larger goes first where there is no room. */
  readonly spare: number;
}

const GAP = "  ";

export function statusLine(
  status: LineStatus,
  { width, tint }: { readonly width: number; readonly tint: Tint },
): string {
  const name = { text: status.server, tone: "strong", spare: 0 } as const;
  const level = { text: `L${status.level}`, tone: "quiet", spare: 5 } as const;
  let left: readonly Part[] = [name, level];
  let right = partsOf(status);
  while (widthOf(left) + GAP.length + widthOf(right) > width && left.length + right.length > 1) {
    const most = Math.max(...[...left, ...right].map(({ spare }) => spare));
    left = left.filter(({ spare }) => spare < most || spare === 0);
    right = right.filter(({ spare }) => spare < most);
  }
  const space = " ".repeat(
    Math.max(right.length > 0 ? 1 : 0, width - widthOf(left) - widthOf(right)),
  );
  return [painted(left, tint, " "), painted(right, tint, GAP)].join(right.length > 0 ? space : "");
}

/** A node that does not answer: in a prompt there is no room for a reason. */
export function downLine(name: string, tint: Tint): string {
  return tint("bad", `mir ${name}: down`);
}

function partsOf({ rates, cache, uptimeSeconds }: LineStatus): readonly Part[] {
  const { requests, peerRequests, hitRatio, bytesIn, bytesOut } = rates;
  const { bytes, capacityBytes } = cache;
  const share = capacityBytes > 0 ? bytes / capacityBytes : 0;
  return [
    { text: `${formatCount(requests + peerRequests)}/s`, tone: undefined, spare: 1 },
    { text: `hit ${formatShare(hitRatio ?? undefined)}`, tone: undefined, spare: 2 },
    {
      text: `in ${formatBytes(bytesIn)}/s out ${formatBytes(bytesOut)}/s`,
      tone: undefined,
      spare: 4,
    },
    {
      text: `${formatBytes(bytes)} / ${formatBytes(capacityBytes)}`,
      tone: toneOfShare(share),
      spare: 3,
    },
    { text: `up ${formatSpan(uptimeSeconds)}`, tone: "quiet", spare: 6 },
  ];
}

function painted(parts: readonly Part[], tint: Tint, gap: string): string {
  return parts.map(({ text, tone }) => (tone === undefined ? text : tint(tone, text))).join(gap);
}

function widthOf(parts: readonly Part[]): number {
  const gaps = parts[0]?.spare === 0 ? 1 : GAP.length;
  return (
    parts.reduce((sum, { text }) => sum + text.length, 0) + gaps * Math.max(0, parts.length - 1)
  );
}
