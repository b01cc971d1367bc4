/** Small bodies from peers, whole in memory before they are sent, so that they carry their length (spec §2). */

import type { Body } from "../base/body.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import { waitAbout } from "../base/wait-about.ts";
import { type Context, remainingMs } from "./context.ts";
import type { Parts } from "./parts.ts";

/** Bytes of bodies this worker is collecting; see `LIMITS.collectPoolBytesMax`. */
let collectingBytes = 0;

/** undefined when it does not come in time: the peer is alive, and crawls. Throws what the body throws. */
export async function collectPeerBody(
  parts: Pick<Parts, "clock">,
  context: Context,
  incoming: { readonly meta: VariantMeta; readonly body: Body },
): Promise<Uint8Array | undefined> {
  const { body } = incoming;
  const { bytes } = incoming.meta;
  if (collectingBytes + bytes > LIMITS.collectPoolBytesMax) {
    body.cancel();
    throw new Fault("overloaded", "too many bodies at once", { retryAfterMs: 1000 });
  }
  let crawls = false;
  const waitMs = Math.min(DEADLINES.collectMs, remainingMs(context, parts.clock));
  const wait = waitAbout(waitMs, () => {
    crawls = true;
    body.cancel();
  });
  collectingBytes += bytes;
  try {
    return await collect(body, bytes);
  } catch (error) {
    if (crawls) return undefined;
    throw error;
  } finally {
    collectingBytes -= bytes;
    wait.end();
  }
}

/** Copies a whole body into memory; only for bodies of a known, small length. */
async function collect(body: Body, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let position = 0;
  for (;;) {
    const chunk = await body.read();
    if (chunk === undefined) break;
    if (position + chunk.length > bytes) {
      body.cancel();
      throw new Fault("peer_failed", "a body was longer than it said");
    }
    whole.set(chunk, position);
    position += chunk.length;
  }
  if (position !== bytes) throw new Fault("peer_failed", "a body was shorter than it said");
  return whole;
}
