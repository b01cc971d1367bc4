/** One message told to a legacy peer, which acknowledges nothing: a ping behind it shows that it was read. */

import { Fault, unreachable } from "../base/fault.ts";
import type { Piece } from "../wire/decode.ts";
import {
  encodeRebalanceHead,
  encodeRecord,
  encodeSaveHead,
  encodeWarm,
  PING_FRAME,
} from "../wire/encode.ts";
import type { Exchange, Line, Progress } from "./exchange.ts";
import { sendAnswer } from "./send-answer.ts";
import type { Source } from "./source.ts";
import type { Tell, Told } from "./tell.ts";
import { openFile, type SaveTell, type TellOptions, unsendable } from "./tell-exchange.ts";

/** That it has been kept is known only by asking for it (spec §3). */
const SENT: Told = { ok: true, note: "sent" };

export class LegacyTell implements Exchange {
  readonly #options: TellOptions;
  readonly #told = Promise.withResolvers<Told>();

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
      void this.#send(message, openFile(message), line);
      return;
    }
    line.write(Buffer.concat([...plainFrames(message), PING_FRAME]))?.catch(() => undefined);
  }

  take(piece: Piece): Progress {
    if (piece.kind === "heartbeat") return "more";
    if (piece.kind !== "pong") {
      throw new Fault("bad_frame", `${piece.kind} from a legacy peer that was told something`);
    }
    this.#told.resolve(SENT);
    return "done";
  }

  patienceMs(): number {
    return this.#options.deadlineAt - this.#options.clock.monotonicMs();
  }

  overdue(): Fault {
    return new Fault("too_slow", `${this.#options.peer} did not take the message in time`);
  }

  fail(fault: Fault): void {
    this.#told.reject(fault);
  }

  async #send(message: SaveTell, source: Source, line: Line): Promise<void> {
    const { kind, meta } = message;
    const encode = kind === "save" ? encodeSaveHead : encodeRebalanceHead;
    const head = encode({ relname: meta.relname }, meta.bytes);
    try {
      const write = (part: Uint8Array): Promise<void> | undefined => line.write(part);
      await sendAnswer({ head, bytes: meta.bytes, source, extended: false }, write);
      await line.write(PING_FRAME);
    } catch (error) {
      line.abandon(unsendable(error));
    } finally {
      source.close();
    }
  }
}

function plainFrames(message: Exclude<Tell, SaveTell>): readonly Uint8Array[] {
  switch (message.kind) {
    case "warm":
      return [encodeWarm({ relname: message.relname })];
    case "record":
      return message.hits.map((hit) => encodeRecord({ hits: [hit] }));
    case "purge":
      throw new Fault("peer_failed", "a legacy node knows no purge");
    default:
      return unreachable(message);
  }
}
