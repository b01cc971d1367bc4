/** One message told to a peer: what there is to say, with its content, then the acknowledgement. */

import type { Clock } from "../base/clock.ts";
import { asFault, Fault, isFaultCode, refusedBy, unreachable } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { COMMANDS } from "../wire/commands.ts";
import type { Piece } from "../wire/decode.ts";
import {
  encodePurge,
  encodeRebalanceHead,
  encodeRecord,
  encodeSaveHead,
  encodeWarm,
} from "../wire/encode.ts";
import type { Ack, SaveHeader } from "../wire/messages.ts";
import type { MeshDeadlines } from "./alarm.ts";
import { type Exchange, type Line, type Progress, patience } from "./exchange.ts";
import { sendAnswer } from "./send-answer.ts";
import { openSource, type Source } from "./source.ts";
import type { Tell, Told } from "./tell.ts";

export interface TellOptions {
  readonly peer: string;
  readonly message: Tell;
  /** Of the acknowledgement, on the monotonic clock. */
  readonly deadlineAt: number;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
}

export type SaveTell = Extract<Tell, { readonly kind: "save" | "rebalance" }>;

export class TellExchange implements Exchange {
  readonly #options: TellOptions;
  readonly #told = Promise.withResolvers<Told>();
  /** Content is still on its way out. */
  #sending = false;

  constructor(options: TellOptions) {
    this.#options = options;
  }

  /** Rejects with a Fault. */
  get told(): Promise<Told> {
    return this.#told.promise;
  }

  start(line: Line): void {
    const { message } = this.#options;
    if ("path" in message) {
      const source = openFile(message);
      void this.#send(message, source, line);
      return;
    }
    line.write(plainFrame(message))?.catch(() => undefined);
  }

  take(piece: Piece): Progress {
    if (piece.kind === "heartbeat" || piece.kind === "pong") return "more";
    const { message, peer } = this.#options;
    if (piece.kind !== "ack" || piece.ack.of !== COMMANDS[message.kind].byte) {
      throw new Fault("bad_frame", `${piece.kind} where an acknowledgement belongs`);
    }
    const { ack } = piece;
    if (ack.ok) this.#told.resolve({ ok: true, note: ack.note ?? "", ...detailOf(ack) });
    else this.#told.reject(refusalOf(ack, peer));
    // the peer knows enough and does not want the rest, which cannot be called off within its frame
    return this.#sending ? "spent" : "done";
  }

  patienceMs(): number {
    const { clock, deadlines, deadlineAt } = this.#options;
    return patience({
      nowMs: clock.monotonicMs(),
      deadlineAt,
      silenceMs: deadlines.linkSilenceMs,
    });
  }

  overdue(): Fault {
    const { peer, clock, deadlineAt } = this.#options;
    if (deadlineAt > clock.monotonicMs()) return new Fault("peer_failed", `${peer} is silent`);
    return new Fault("too_slow", `${peer} did not acknowledge in time`);
  }

  fail(fault: Fault): void {
    this.#told.reject(fault);
  }

  async #send(message: SaveTell, source: Source, line: Line): Promise<void> {
    this.#sending = true;
    const { bytes } = message.meta;
    try {
      await sendAnswer({ head: saveHead(message), bytes, source, extended: true }, (part) =>
        line.write(part),
      );
      this.#sending = false;
    } catch (error) {
      // when it is the connection that failed, this exchange knows already and the line is deaf
      line.abandon(unsendable(error));
    } finally {
      source.close();
    }
  }
}

function plainFrame(message: Exclude<Tell, SaveTell>): Uint8Array {
  switch (message.kind) {
    case "warm":
      return encodeWarm(message);
    case "record":
      atMost(message.hits.length, LIMITS.wireRecordsMax);
      return encodeRecord({ hits: [...message.hits] });
    case "purge":
      atMost(message.entries.length, LIMITS.wirePurgesMax);
      return encodePurge({
        entries: [...message.entries],
        hops: message.hops,
        ...(message.to !== undefined && { to: message.to }),
        ...(message.since !== undefined && { since: message.since }),
      });
    default:
      return unreachable(message);
  }
}

function atMost(items: number, itemsMax: number): void {
  if (items <= itemsMax) return;
  throw new Fault("internal", `${items} in one message where ${itemsMax} may be`);
}

function saveHead({ kind, meta, shape, upload }: SaveTell): Uint8Array {
  const header: SaveHeader = { ...meta, shape, upload };
  const encode = kind === "save" ? encodeSaveHead : encodeRebalanceHead;
  return encode(header, meta.bytes);
}

/** Throws a Fault `not_found`. */
export function openFile({ path, meta }: SaveTell): Source {
  try {
    return openSource({ meta, send: { kind: "file", path } }, 0);
  } catch (error) {
    throw unsendable(error);
  }
}

export function unsendable(cause: unknown): Fault {
  const told = `the file to send cannot be read: ${asFault(cause).message}`;
  return new Fault("not_found", told, { cause });
}

function detailOf({ detail }: Ack): Pick<Told, "detail"> {
  return detail === undefined ? {} : { detail };
}

function refusalOf(ack: Ack, peer: string): Fault {
  const { code = "peer_failed", message, retryAfterMs } = ack;
  const known = isFaultCode(code) ? code : "peer_failed";
  const why = message === undefined ? code : `${code}: ${message}`;
  return refusedBy(known, {
    told: `the node ${peer} refused: ${why}`,
    ...(message === undefined ? {} : { message }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
