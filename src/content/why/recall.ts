/** What one thread of the node knows of an id: what it remembers, what it brought here, what it would do next. */

import type { FaultCode } from "../../base/fault.ts";
import { ORIG } from "../../base/variant.ts";
import { keyOf } from "../load.ts";
import type { Remembered } from "../negatives.ts";
import type { Parts } from "../parts.ts";
import type { FillRecord } from "./fills.ts";
import { type Forecast, forecast } from "./forecast.ts";

export interface WhyWish {
  readonly id: string;
  /** undefined: it was asked by its content id. */
  readonly webId: string | undefined;
  readonly size: string;
  /** Ignored for an original. */
  readonly format: string;
}

export interface Recalled {
  /** What the thread remembers of the web id. */
  readonly path: PathRecalled | undefined;
  /** Refusals that it remembers. */
  readonly refusals: readonly RefusalRecalled[];
  readonly fills: readonly FillRecord[];
  readonly next: Forecast;
}

export interface PathRecalled {
  /** undefined: known not to exist. */
  readonly id: string | undefined;
  /** Seconds until it is asked for again; 0: now. */
  readonly freshSeconds: number;
  /** Accesses at this server, as long as another one owns the id. */
  readonly accesses: number;
}

export interface RefusalRecalled {
  readonly of: string;
  readonly code: FaultCode;
  readonly seconds: number;
}

export function recall(parts: Parts, { id, webId, size, format }: WhyWish): Recalled {
  const wanted = { id, size, ext: size === ORIG ? "bin" : format };
  return {
    path: webId === undefined ? undefined : pathOf(parts, webId),
    refusals: [id, `${id}/facts`, keyOf(parts.local.canonical(wanted))].flatMap((key) =>
      refusalOf(key, parts.negatives.look(key)),
    ),
    fills: parts.fills.of(id),
    next: forecast(parts, wanted),
  };
}

function pathOf({ paths }: Parts, webId: string): PathRecalled | undefined {
  const known = paths.peek(webId);
  if (known === undefined) return undefined;
  const { resolution, freshMs, accesses } = known;
  const id = resolution.kind === "known" ? resolution.id : undefined;
  return { id, freshSeconds: Math.max(0, Math.ceil(freshMs / 1000)), accesses };
}

function refusalOf(key: string, found: Remembered | undefined): readonly RefusalRecalled[] {
  if (found === undefined) return [];
  return [{ of: key, code: found.code, seconds: Math.ceil(found.leftMs / 1000) }];
}
