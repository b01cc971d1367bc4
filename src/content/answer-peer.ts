/** Answers what peers and the level above ask: as owner everything, as `local` only the disk (spec §4). */

import { Fault } from "../base/fault.ts";
import { parseRelname, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import type { PeerAnswer, PeerHandler } from "../mesh/listener.ts";
import { startContext } from "./context.ts";
import type { Local } from "./local.ts";
import type { Owner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import type { Outcome, Served } from "./served.ts";

const NO_VALIDATOR = "0".repeat(16);

/** `statusOf` writes this node's member of `Cache-Status`, behind those it was given. */
export function makePeerHandler(
  parts: Parts,
  options: {
    readonly local: Local;
    readonly owner: Owner;
    readonly statusOf: (outcome: Outcome) => string;
  },
): PeerHandler {
  const { local, owner, statusOf } = options;
  const { cache, counters, clock } = parts;

  return async (request) => {
    counters.add("peer_request");
    const wanted = parseRelname(request.relname);
    if (wanted === undefined) throw new Fault("bad_frame", "that is no relname of this mesh");
    const context = startContext(clock, {
      hops: request.hops,
      budgetMs: request.deadlineMs,
      originalExt: request.originalExt,
    });
    if (request.facts === true) {
      return factsAnswer(wanted, await owner.facts(wanted.id, context));
    }
    if (request.role === "local") return answer(fromDisk(wanted));
    // asked as owner: serve, generate, go upstream, or refuse; never sideways
    const served = await owner.serve(wanted, context);
    return answer(served, request.head);
  };

  function fromDisk(wanted: Variant): Served {
    const meta = local.look(local.canonical(wanted));
    if (meta === undefined) throw new Fault("not_found", "not on this disk");
    const outcome = { source: "hit", collapsed: false, stored: false, via: "" } as const;
    return { kind: "file", meta, outcome, path: cache.pathOf(meta.relname) };
  }

  function answer(served: Served, head = false): PeerAnswer {
    const { meta, outcome } = served;
    counters.add(outcome.source === "hit" ? "lru_hit" : "lru_miss");
    const common = { meta, via: statusOf(outcome), detail: outcome.source };
    if (head) {
      if (served.kind === "stream") served.body.cancel();
      return { ...common, send: { kind: "none" } };
    }
    if (served.kind === "file") return { ...common, send: { kind: "file", path: served.path } };
    if (served.kind === "bytes") return { ...common, send: { kind: "bytes", bytes: served.bytes } };
    return { ...common, send: { kind: "body", body: served.body } };
  }

  function factsAnswer(wanted: Variant, facts: VariantMeta["facts"]): PeerAnswer {
    const relname = relnameOf(wanted);
    const meta = { relname, bytes: 0, validator: NO_VALIDATOR, modified: 0, facts, lossySteps: 0 };
    return { meta, via: "", detail: "hit", send: { kind: "none" } };
  }
}
