/** `--once`: a fixed round of requests in which every way of coming by a picture shows up. */

import type { Answer, Ask, NoAnswer } from "./ask.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import type { Edge, MeshMap } from "./mesh-map.ts";
import type { Photo } from "./photo.ts";

/** One request of the round with its answer. */
export interface Row {
  readonly photo: string;
  readonly variant: string;
  readonly edge: string;
  readonly answer: Answer | NoAnswer;
}

interface Step {
  readonly edge: Edge;
  readonly size: string;
  readonly format: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the variant reads in the table, where size and format do not say it. */
  readonly label?: string;
}

export interface RoundOptions {
  readonly photos: readonly Photo[];
  readonly map: MeshMap;
  readonly ask: Ask;
  readonly signal: AbortSignal;
}

const NEW_FORMATS = { accept: "image/avif,image/webp,image/*;q=0.8" };
const FIRST_64_KIB = { range: "bytes=0-65535" };

/**
 * One after the other, so that the times mean something. A picture that no node can decode gives
 * one row and makes way for the next one.
 */
export async function runRound(options: RoundOptions): Promise<readonly Row[]> {
  const { photos, map, signal } = options;
  const rows: Row[] = [];
  let shown = 0;
  for (const photo of photos.slice(0, DEMO_LIMITS.roundPhotosTried)) {
    if (shown === DEMO_LIMITS.roundPhotos || signal.aborted) break;
    const [first, ...rest] = stepsFor(map.ownerFirst(photo), shown);
    const row = await take(first, photo, options);
    rows.push(row);
    if (!isGood(row.answer)) continue;
    for (const step of rest) {
      if (!signal.aborted) rows.push(await take(step, photo, options));
    }
    shown++;
  }
  return rows;
}

/**
 * Cold at the owner: up to the regional and the origin. At another edge: streamed from the owner.
 * Again at the owner: a hit. A smaller size there: made from the one at hand. Every second
 * picture is first asked of an edge that does not own it.
 */
function stepsFor(edges: readonly [Edge, ...Edge[]], turn: number): readonly [Step, ...Step[]] {
  const [owner, other = owner, third = other] = edges;
  const md = (edge: Edge): Step => ({ edge, size: "md", format: "jpg" });
  const cold = turn % 2 === 0 ? owner : other;
  const warm = turn % 2 === 0 ? other : owner;
  const steps: [Step, ...Step[]] = [
    md(cold),
    md(warm),
    md(third),
    md(owner),
    { edge: owner, size: "sm", format: "jpg" },
    { edge: other, size: "xs", format: "webp" },
  ];
  if (turn === 0) {
    steps.push(
      { edge: owner, size: "md", format: "auto", headers: NEW_FORMATS, label: "md.auto" },
      { edge: other, size: "orig", format: "jpg" },
      { edge: owner, size: "orig", format: "jpg", headers: FIRST_64_KIB, label: "orig part" },
    );
  }
  return steps;
}

async function take(step: Step, photo: Photo, { map, ask, signal }: RoundOptions): Promise<Row> {
  const { edge, size, format, headers } = step;
  const url = map.url(edge, photo, { size, format });
  const question = { edge: edge.name, url, ...(headers === undefined ? {} : { headers }) };
  const answer = await ask(question, signal);
  const variant = step.label ?? (size === "orig" ? size : `${size}.${format}`);
  return { photo: photo.webId, variant, edge: edge.name, answer };
}

export function isGood(answer: Answer | NoAnswer): answer is Answer {
  return "status" in answer && answer.status >= 200 && answer.status < 300;
}
