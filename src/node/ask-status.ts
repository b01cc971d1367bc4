/** Asks another node for its `/status`. */

import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { StatusDocument } from "../http/status-document.ts";
import { parseStatus } from "../http/status-schema.ts";
import type { Server } from "../topology/topology.ts";
import { askAdmin } from "./reach-admin.ts";

/** Rejects with a Fault whose message is for people, never later than `DEADLINES.meshAskMs`. */
export async function askStatus(
  server: Server,
  options: { readonly token: string | undefined; readonly signal: AbortSignal },
): Promise<StatusDocument> {
  const { body } = await askAdmin(server, {
    ...options,
    path: "/status",
    waitMs: DEADLINES.meshAskMs,
    bytesMax: LIMITS.statusBytesMax,
  });
  const parsed = parseStatus(jsonOf(body.toString("utf8")));
  if (parsed.kind === "wrong") {
    throw new Fault("bad_frame", `its /status is of another version: ${parsed.at}`);
  }
  const { status } = parsed;
  // loopback here and loopback there are two machines
  if (status.server === server.name) return status;
  throw new Fault("bad_frame", `its admin address leads to ${status.server} from here`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
