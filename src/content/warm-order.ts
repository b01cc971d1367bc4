/** An operator's order to warm: which variants, at which servers, and how each of them fared. */

import { DEADLINES } from "../base/deadlines.ts";
import { eachOf } from "../base/each-of.ts";
import { asFault, Fault, type FaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  FORMATS,
  isFormat,
  ORIG,
  PLACEHOLDER,
  PLACEHOLDER_FORMAT,
  parseRelname,
  relnameOf,
  type Variant,
} from "../base/variant.ts";
import { contentIdOfWebId } from "../base/web-name.ts";
import { sizeNames } from "../topology/topology.ts";
import type { Parts } from "./parts.ts";
import { warmVariant } from "./warm.ts";

export interface WarmOrder {
  /** Relnames, content ids, or web ids that stand for themselves. */
  readonly names: readonly string[];
  /** For names that are no relnames. */
  readonly sizes: readonly string[];
  readonly formats: readonly string[];
  /** Servers of this node's level; all of its group when empty. */
  readonly to: readonly string[];
}

export interface WarmResult {
  readonly server: string;
  readonly relname: string;
  readonly note: string;
  readonly fault: FaultCode | undefined;
}

/** Throws a Fault for an order that makes no sense; what a single server could not do is in its result. */
export async function carryOutWarm(parts: Parts, order: WarmOrder): Promise<WarmResult[]> {
  const variants = order.names.flatMap((name) => variantsOf(parts, name, order));
  const group = parts.ownership.group(parts.self.name);
  const stranger = order.to.find((server) => !group.includes(server));
  if (stranger !== undefined) {
    throw new Fault("bad_request", `${stranger} is not in the group of ${parts.self.name}`);
  }
  const servers = order.to.length > 0 ? order.to : group;
  const tasks = variants.flatMap((v) =>
    servers.map((server) => ({ server, relname: relnameOf(v) })),
  );
  if (tasks.length > LIMITS.warmNamesMax) {
    throw new Fault("bad_request", `an order may name ${LIMITS.warmNamesMax} variants in all`);
  }
  const results: WarmResult[] = [];
  await eachOf(tasks, LIMITS.warmAtOnceMax, async (task) => {
    results.push(await warmAt(parts, task));
  });
  return results;
}

async function warmAt(
  parts: Parts,
  task: { readonly server: string; readonly relname: string },
): Promise<WarmResult> {
  const { server, relname } = task;
  try {
    if (server === parts.self.name) {
      return { ...task, note: await warmVariant(parts, relname, undefined), fault: undefined };
    }
    parts.counters.add("warm_sent");
    const message = { kind: "warm", relname } as const;
    const told = await parts.links.tell(server, message, { deadlineMs: DEADLINES.warmMs });
    return { ...task, note: told.note, fault: undefined };
  } catch (error) {
    const fault = asFault(error);
    return { ...task, note: fault.message, fault: fault.code };
  }
}

function variantsOf(parts: Parts, name: string, order: WarmOrder): Variant[] {
  const exact = parseRelname(name);
  if (exact !== undefined) return [exact];
  const id = contentIdOfWebId(name);
  if (id === undefined) throw new Fault("bad_request", `${name} is neither an id nor a relname`);
  const known = sizeNames(parts.topology);
  const size = order.sizes.find((s) => !known.includes(s));
  if (size !== undefined) throw new Fault("bad_size", `there is no size ${size}`);
  const ext = order.formats.find((f) => !isFormat(f));
  if (ext !== undefined) throw new Fault("bad_format", `${ext} is none of ${FORMATS.join(", ")}`);
  return order.sizes.flatMap((s) => extsOf(s, order).map((e) => ({ id, size: s, ext: e })));
}

/** An original and a placeholder have one each. */
function extsOf(size: string, { formats }: WarmOrder): readonly string[] {
  if (size === ORIG) return ["bin"];
  return size === PLACEHOLDER ? [PLACEHOLDER_FORMAT] : formats;
}
