/** Brings news to every thread of the node: main's own parts, the resolver, and the worker threads once they run. */

import { hearNews } from "../content/news.ts";
import type { Parts } from "../content/parts.ts";
import type { Resolver } from "../resolve/resolver.ts";
import type { Crew } from "./crew.ts";

export interface Announcer {
  readonly announce: Parts["announce"];
  /** The worker threads hear it too from now on; one that starts later remembers nothing. */
  include(crew: Pick<Crew, "tell">): void;
}

export function makeAnnouncer(resolver: Resolver, parts: () => Parts): Announcer {
  let workers: Pick<Crew, "tell"> | undefined;
  return {
    async announce(news) {
      hearNews(parts(), news);
      for (const webId of news.webIds) resolver.forget(webId);
      if (news.purged === true) resolver.forgetIds(new Set(news.ids));
      workers?.tell({ kind: "news", news });
    },
    include(crew) {
      workers = crew;
    },
  };
}
