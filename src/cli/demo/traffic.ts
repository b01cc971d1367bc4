/** The demo's own visitors: a few requests a second, and what came of them. */

import type { Source } from "../../content/served.ts";
import type { Answer, Ask, NoAnswer } from "./ask.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import type { MeshMap } from "./mesh-map.ts";
import type { Photo } from "./photo.ts";
import { makeZipf, pick, type Random } from "./random.ts";
import { isGood } from "./round.ts";
import { membersOf, noCounts } from "./round-report.ts";

export interface Tally {
  readonly requests: number;
  readonly bytes: number;
  /** Pictures none of the nodes had to make or fetch: the member closest to the origin is a hit. */
  readonly fromCache: number;
  /** Answers by what the asked edge did. */
  readonly atEdge: Readonly<Record<Source, number>>;
  /** Answers for which the origin was read. */
  readonly fromOrigin: number;
  readonly refused: number;
  readonly failed: number;
  /** Turns in which too many answers were still awaited. */
  readonly skipped: number;
  /** Pictures that cannot be decoded: asked for once, and no more. */
  readonly leftOut: number;
}

export interface TrafficOptions {
  readonly photos: readonly [Photo, ...Photo[]];
  readonly map: MeshMap;
  readonly ask: Ask;
  readonly random: Random;
  /** Resolves when the next request is due, or the signal has fired. */
  readonly nextTurn: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly inFlightMax?: number;
}

export interface Traffic {
  tally(): Tally;
  /** Resolves when the signal has fired and every answer is in. */
  readonly ended: Promise<void>;
}

/** The status of a picture that no node can decode. */
const UNDECODABLE = 422;
/** How much more often a picture is looked at than the next popular one. */
const ZIPF_EXPONENT = 0.9;
/** As pages ask: many small ones, few large ones. */
const SIZES = ["xs", "sm", "sm", "sm", "md", "md", "md", "lg"] as const;
const FORMATS = ["jpg", "jpg", "webp", "auto", "auto"] as const;
/** What browsers of the last years accept. */
const ACCEPTS = ["image/avif,image/webp,*/*;q=0.8", "image/webp,*/*;q=0.8", "*/*"] as const;

export function startTraffic(options: TrafficOptions): Traffic {
  const { photos, map, ask, random, nextTurn, signal } = options;
  const { inFlightMax = DEMO_LIMITS.inFlightMax } = options;
  const counts = makeCounts();
  let wanted: readonly Photo[] = photos;
  let nextPhoto = makeZipf(wanted.length, ZIPF_EXPONENT, random);
  const inFlight = new Set<Promise<void>>();

  async function request(): Promise<void> {
    const photo = wanted[nextPhoto()] ?? photos[0];
    const edge = pick(random, map.edges);
    const url = map.url(edge, photo, { size: pick(random, SIZES), format: pick(random, FORMATS) });
    const headers = { accept: pick(random, ACCEPTS) };
    const answer = await ask({ edge: edge.name, url, headers }, signal);
    // what was broken off because the demo ends says nothing about the mesh
    if (signal.aborted) return;
    counts.add(answer);
    if ("status" in answer && answer.status === UNDECODABLE) leaveOut(photo);
  }

  /** One damaged picture that is popular would be most of what is shown. */
  function leaveOut(photo: Photo): void {
    const others = wanted.filter((one) => one !== photo);
    if (others.length === 0 || others.length === wanted.length) return;
    wanted = others;
    nextPhoto = makeZipf(wanted.length, ZIPF_EXPONENT, random);
    counts.leaveOut();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (inFlight.size >= inFlightMax) counts.skip();
      else {
        const going = request();
        inFlight.add(going);
        void going.finally(() => inFlight.delete(going));
      }
      await nextTurn(signal);
    }
    await Promise.all(inFlight);
  }

  return { tally: counts.tally, ended: run() };
}

function makeCounts(): {
  add(answer: Answer | NoAnswer): void;
  skip(): void;
  leaveOut(): void;
  tally(): Tally;
} {
  const atEdge = noCounts();
  const sums = {
    requests: 0,
    bytes: 0,
    fromCache: 0,
    fromOrigin: 0,
    refused: 0,
    failed: 0,
    skipped: 0,
    leftOut: 0,
  };
  return {
    skip() {
      sums.skipped++;
    },
    leaveOut() {
      sums.leftOut++;
    },
    tally: () => ({ ...sums, atEdge: { ...atEdge } }),
    add(answer) {
      sums.requests++;
      if (!("status" in answer)) {
        sums.failed++;
        return;
      }
      sums.bytes += answer.bytes;
      const members = membersOf(answer);
      const [first] = members;
      const last = members.at(-1);
      if (!isGood(answer)) sums.refused++;
      if (first === undefined || last === undefined) return;
      atEdge[last.source]++;
      if (first.source === "hit") sums.fromCache++;
      if (first.source === "origin") sums.fromOrigin++;
    },
  };
}
