/** The RAM tier of one worker: its most asked small answers, ready to be sent (spec §9 `ram`). */

import { LIMITS } from "../base/limits.ts";
import { makeRoom } from "../base/second-chance.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { FoundHit, Repeats } from "../content/repeat.ts";
import { HIT, type Outcome } from "../content/served.ts";
import type { Counters } from "../observe/counters.ts";
import { makeRamAsked } from "./ram-asked.ts";

/** What is held of an answer. */
export interface Held {
  readonly kind: "held";
  readonly meta: VariantMeta;
  readonly outcome: Outcome;
  /** Of the 200. */
  readonly success: Headers;
  readonly body: Blob;
  /** Cloned for each answer: clones share the bytes and copy the headers. */
  readonly whole: Response;
}

export interface Ram {
  /** What is held under a key, if the whole search would end in it now; it is counted as a hit then. */
  find(key: string): Held | undefined;
  /** A search has just ended in a variant on disk; what is held from now on, if it is to be. */
  offer(key: string, hit: Hit): Held | undefined;
  close(): void;
}

export interface Hit {
  readonly webId: string;
  readonly meta: VariantMeta;
  readonly success: Headers;
  /** The bytes; undefined when the file is not what the index says. */
  readonly read: () => Uint8Array | undefined;
}

export interface RamOptions {
  /** Of everything: bodies, headers, keys, and what the maps take. */
  readonly roomBytes: number;
  readonly repeats: Repeats;
  readonly counters: Counters;
  /** Hears what the tier takes. */
  readonly gauge: (bytes: number) => void;
  /** Keys the counting of what is asked for. */
  readonly seed?: number;
}

interface Place {
  readonly held: Held;
  readonly found: FoundHit;
  readonly bytes: number;
  /** Asked for since the last sweep came by. */
  used: boolean;
}

/** An answer may take at most this share of the room. */
const SHARE_MAX = 1 / 8;

/**
 * A key says which answer is meant: the URL, and for `auto` the format that `Accept` chose. Nothing is sent from here
 * that the index does not vouch for at that moment, so what other threads evict or purge needs no message.
 *
 * Eviction: second chance, in the order of admission. What is asked for sets a mark and moves nothing.
 */
export function makeRam(options: RamOptions): Ram {
  const { roomBytes, repeats, counters, gauge } = options;
  const asked = makeRamAsked(options.seed);
  const places = new TurnoverMap<string, Place>();
  let bytes = asked.bytes;
  let closed = false;
  gauge(bytes);

  const drop = (key: string, place: Place): void => {
    places.delete(key);
    bytes -= place.bytes;
    gauge(bytes);
    counters.add("ram_dropped");
  };

  /** False: all that were looked at are in use. */
  const roomFor = (wanted: number): boolean =>
    makeRoom(places, {
      fits: () => bytes + wanted <= roomBytes,
      stands: ({ found }) => repeats.stands(found),
      drop,
    });

  return {
    find(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      if (!repeats.stands(place.found)) {
        drop(key, place);
        return undefined;
      }
      place.used = true;
      repeats.count(place.found);
      counters.add("ram_hit");
      return place.held;
    },

    offer(key, { webId, meta, success, read }) {
      const cost = meta.bytes + key.length + LIMITS.ramAnswerBytes;
      if (closed || meta.bytes >= LIMITS.ramBodyBytesMax || cost > roomBytes * SHARE_MAX) return;
      if (places.has(key) || !asked.isWorth(key)) return;
      const found = repeats.note(webId, meta);
      if (found === undefined || !roomFor(cost)) return;
      const content = read();
      // the slot has stood from before the file was opened: these are its bytes
      if (content === undefined || !repeats.stands(found)) return;
      // what a disk has spoiled is not held beyond its repair
      if (!repeats.isSound(found, content)) return;
      const held = hold(meta, success, content);
      places.set(key, { held, found, bytes: cost, used: false });
      bytes += cost;
      gauge(bytes);
      counters.add("ram_kept");
      return held;
    },

    close() {
      closed = true;
      places.clear();
      gauge(0);
    },
  };
}

/** `content` is copied. */
function hold(meta: VariantMeta, success: Headers, content: Uint8Array): Held {
  const body = new Blob([content as Uint8Array<ArrayBuffer>]);
  const whole = new Response(body, { headers: success });
  return { kind: "held", meta, outcome: HIT, success, body, whole };
}
