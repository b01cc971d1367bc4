/** One message that a peer tells this node, from its header to the acknowledgement. */

import type { Clock } from "../base/clock.ts";
import { asFault, Fault, unreachable } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { COMMANDS } from "../wire/commands.ts";
import { encodeAck, printable } from "../wire/encode.ts";
import { type Ack, type Message, metaOf, type SaveHeader } from "../wire/messages.ts";
import type { MeshDeadlines } from "./alarm.ts";
import type { Intake } from "./intake.ts";
import type { Outgoing } from "./outgoing.ts";
import { Pulse } from "./pulse.ts";
import { wholeMs } from "./serve-ask.ts";
import type { PeerHandlers, ToldAnswer, ToldMeta } from "./tell.ts";

export type TellMessage = Extract<
  Message,
  { readonly kind: "save" | "rebalance" | "warm" | "record" | "purge" }
>;

export interface ServeTellOptions {
  readonly message: TellMessage;
  /** Of a Save or Rebalance. */
  readonly intake: Intake | undefined;
  readonly peer: string;
  readonly legacy: boolean;
  /** Aborted by the session when the teller has gone. */
  readonly signal: AbortSignal;
  readonly handlers: PeerHandlers;
  readonly out: Outgoing;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  readonly counters: Counters;
  readonly log: Log;
}

/** Whether the connection is still good for the next message. Rejects when it is broken. */
export async function serveTell(options: ServeTellOptions): Promise<"keep" | "close"> {
  const { intake, legacy, out, clock, deadlines } = options;
  const { heartbeatMs } = deadlines;
  using pulse = legacy ? undefined : new Pulse({ out, clock, heartbeatMs });
  pulse?.begin();
  const { frame, ok } = await acknowledged(options);
  // what it left unread is not wanted any more
  intake?.discard();
  if (pulse === undefined) return ok || intake === undefined ? "keep" : "close";
  await pulse.writeAfter(frame);
  return "keep";
}

/** What a Save says of its variant; throws a Fault `bad_frame` when that does not fit its content. */
export function savedMeta(header: SaveHeader, bodyBytes: number, legacy: boolean): ToldMeta {
  if (header.head === true || (header.offset ?? 0) > 0) {
    throw new Fault("bad_frame", "save: from a dialler it is whole");
  }
  if (!legacy) return metaOf(header, bodyBytes);
  const { relname, bytes, validator, modified, facts, lossySteps } = header;
  if (bytes !== undefined && bytes !== bodyBytes) {
    throw new Fault("bad_frame", `save: ${bodyBytes} bytes of body where ${bytes} were announced`);
  }
  return { relname, bytes, validator, modified, facts, lossySteps };
}

async function acknowledged(
  options: ServeTellOptions,
): Promise<{ readonly frame: Uint8Array; readonly ok: boolean }> {
  const { message, counters } = options;
  const about = aboutOf(message);
  try {
    const answer = await handled(options);
    if (answer === undefined) {
      counters.add("peer_dropped");
      const told = "this node does not take such messages";
      return {
        frame: encodeAck({ ...about, ok: false, code: "unsupported", message: told }),
        ok: false,
      };
    }
    counters.add("peer_told");
    const note = shortened(answer.note);
    return { frame: encodeAck({ ...about, ok: true, note, detail: answer.detail }), ok: true };
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === "internal") logFailure(options, fault);
    const { code, retryAfterMs } = fault;
    const told = { code, message: shortened(fault.message), retryAfterMs: wholeMs(retryAfterMs) };
    return { frame: encodeAck({ ...about, ok: false, ...told }), ok: false };
  }
}

/** undefined when there is no handler for it. */
async function handled(options: ServeTellOptions): Promise<ToldAnswer | undefined> {
  const { message, intake, handlers, peer, legacy, signal } = options;
  const from = { peer, legacy, signal };
  switch (message.kind) {
    case "warm":
      return handlers.warm?.({ ...from, owner: undefined, ...message.warm });
    case "record":
      return handlers.record?.({ ...from, hits: message.record.hits });
    case "purge":
      return handlers.purge?.({ ...from, ...message.purge });
    case "save":
    case "rebalance": {
      if (intake === undefined) throw new Fault("internal", "a Save without its content");
      const { kind, header, bodyBytes: bytes } = message;
      const meta = savedMeta(header, bytes, legacy);
      return handlers.save?.({
        ...from,
        kind,
        meta,
        shape: header.shape,
        upload: header.upload,
        bytes,
        body: intake.body,
      });
    }
    default:
      return unreachable(message);
  }
}

function aboutOf(message: TellMessage): Pick<Ack, "of" | "relname"> {
  const of = COMMANDS[message.kind].byte;
  switch (message.kind) {
    case "warm":
      return { of, relname: message.warm.relname };
    case "save":
    case "rebalance":
      return { of, relname: message.header.relname };
    default:
      return { of };
  }
}

function logFailure({ log, peer, message }: ServeTellOptions, fault: Fault): void {
  log.error("message from a peer failed", { peer, kind: message.kind, fault });
}

function shortened(text: string): string {
  return printable(text).slice(0, LIMITS.wireDetailCharsMax);
}
