/** What tells answers apart that are held in memory: the URL, and for `auto` what `Accept` says. */

import { LIMITS } from "../base/limits.ts";
import type { Format } from "../base/variant.ts";
import { autoFormatsOf } from "../image/encoding.ts";
import type { Topology } from "../topology/topology.ts";
import { acceptedFormats } from "./negotiate.ts";

export interface AnswerKeys {
  of(request: Request, url: string): string;
  /**
   * Whether `Accept` is a part of the key. Where it is not, though it decides, the answer must not be held: the URL
   * ends `.AUTO` or has a query, which is rare.
   */
  isNegotiated(url: string): boolean;
}

const AUTO = ".auto";

/** What is accepted is remembered by the header's text: a handful of browsers ask most of the time. */
export function makeAnswerKeys(topology: Pick<Topology, "sizes" | "image">): AnswerKeys {
  const offers = offersOf(topology);
  let known = new Map<string, string>();

  const wishOf = (accept: string): string => {
    const before = known.get(accept);
    if (before !== undefined) return before;
    const wish = offers.map((offered) => acceptedFormats(accept, offered).join()).join("|");
    if (accept.length > LIMITS.acceptMemoCharsMax) return wish;
    if (known.size >= LIMITS.acceptMemoMax) known = new Map();
    known.set(accept, wish);
    return wish;
  };

  const isNegotiated = (url: string): boolean => url.endsWith(AUTO);
  return {
    isNegotiated,
    of(request, url) {
      return isNegotiated(url) ? `${url} ${wishOf(request.headers.get("accept") ?? "")}` : url;
    },
  };
}

/** Each list of formats that some size offers, once. */
function offersOf(topology: Pick<Topology, "sizes" | "image">): readonly (readonly Format[])[] {
  const lists = [
    topology.image.autoFormats,
    ...topology.sizes.map(({ name }) => autoFormatsOf(topology, name)),
  ];
  return [...new Map(lists.map((list) => [list.join(), list])).values()];
}
