/** One request to a legacy peer: `+`, then a `=` that says only the relname (spec §3). */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { reclaim } from "../base/reclaim.ts";
import { ORIG, parseRelname, UNKNOWN_FACTS, type VariantMeta } from "../base/variant.ts";
import type { Piece } from "../wire/decode.ts";
import { encodeRequest } from "../wire/encode.ts";
import type { Ask, SaveHeader } from "../wire/messages.ts";
import { makeDigest } from "../wire/xxhash.ts";
import { acceptAnswer, refusalOf } from "./accept-answer.ts";
import type { AskOptions } from "./ask-exchange.ts";
import type { Exchange, Line, Progress } from "./exchange.ts";
import { IncomingBody } from "./incoming-body.ts";
import { NotItsTurn } from "./large-share.ts";
import type { PeerReply } from "./peer.ts";

const utf8 = new TextEncoder();
const NO_BODY: Body = { read: async () => undefined, cancel() {} };

export class LegacyAsk implements Exchange {
  readonly #options: AskOptions;
  readonly #reply = Promise.withResolvers<PeerReply>();
  #line: Line | undefined;
  #begun = false;
  #body: IncomingBody | undefined;
  #readerWaits = false;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  /** Rejects with a Fault. */
  get reply(): Promise<PeerReply> {
    return this.#reply.promise;
  }

  start(line: Line): void {
    this.#line = line;
    line.write(encodeRequest(this.#options.ask.relname))?.catch(() => undefined);
  }

  take(piece: Piece): Progress {
    switch (piece.kind) {
      case "heartbeat":
      case "pong":
        return "more";
      case "body":
        this.#options.traffic.received(this.#options.peer, piece.bytes.length);
        if (this.#body === undefined) reclaim(piece.bytes.length);
        else this.#body.push(piece.bytes);
        return "more";
      case "bodyEnd":
        this.#body?.complete();
        this.#options.place.leave();
        return "done";
      case "save":
        if (this.#begun) throw new Fault("bad_frame", "save where none belongs");
        this.#begun = true;
        this.#options.callOff?.deafen();
        return this.#begin(piece.header, piece.bodyBytes);
      default:
        throw new Fault("bad_frame", `${piece.kind} from a legacy peer that was asked`);
    }
  }

  /** Nobody promised heartbeats: until the answer begins only the deadline counts. */
  patienceMs(): number | undefined {
    const { clock, deadlines, deadlineAt } = this.#options;
    if (!this.#begun) return deadlineAt - clock.monotonicMs();
    return this.#body === undefined || this.#readerWaits ? deadlines.bodyStallMs : undefined;
  }

  overdue(): Fault {
    const { peer } = this.#options;
    if (this.#begun) return new Fault("too_slow", `the body from ${peer} stalled`);
    return new Fault("too_slow", `${peer} did not answer in time`);
  }

  fail(fault: Fault): void {
    this.#options.callOff?.deafen();
    this.#options.place.leave();
    this.#reply.reject(fault);
    this.#body?.fail(fault);
  }

  #begin(header: SaveHeader, bodyBytes: number): Progress {
    const { ask, peer, traffic } = this.#options;
    if (bodyBytes === 0) {
      this.#reply.reject(refusalOf({ code: "not_found" }, peer));
      return "more";
    }
    const { offset = 0 } = ask;
    const meta = metaOfLegacy(header, bodyBytes, ask);
    if (offset > bodyBytes) {
      this.#reply.reject(new Fault("range_not_satisfiable", `the variant has ${bodyBytes} bytes`));
      return droppable(bodyBytes);
    }
    const bare = ask.head === true || ask.facts === true || ask.ifNoneMatch === meta.validator;
    if (bare) {
      traffic.answered(peer);
      this.#reply.resolve({ meta, via: "", detail: "", body: NO_BODY });
      return droppable(bodyBytes);
    }
    if (!this.#options.place.takes(bodyBytes)) {
      this.#reply.reject(new NotItsTurn(peer));
      return "spent";
    }
    const body = this.#incoming(bodyBytes);
    this.#body = body;
    traffic.answered(peer);
    this.#reply.resolve({ meta, via: "", detail: "", body: skipping(body, offset) });
    return "more";
  }

  #incoming(bytes: number): IncomingBody {
    return new IncomingBody(bytes, {
      pause: () => this.#line?.pause(true),
      resume: () => this.#line?.pause(false),
      waiting: (on) => {
        this.#readerWaits = on;
        this.#line?.rearm();
      },
      abandon: () => this.#line?.abandon(new Fault("peer_failed", "the reader gave the body up")),
    });
  }
}

/** A body that nobody wants: a short one is let pass, for a long one the connection is given up. */
function droppable(bodyBytes: number): Progress {
  return bodyBytes <= LIMITS.verifyTailBytes ? "more" : "spent";
}

/**
 * The peer mints no validators, so name and length stand for one: the same at every node that asks. Throws a
 * Fault `bad_frame` for an answer to another question.
 */
function metaOfLegacy(header: SaveHeader, bytes: number, ask: Ask): VariantMeta {
  const digest = makeDigest();
  digest.update(utf8.encode(`legacy\n${header.relname}\n${bytes}`));
  const validator = header.validator ?? digest.hex();
  const { offset: _, ...whole } = ask;
  const meta = acceptAnswer({ ...header, bytes, validator }, bytes, whole);
  const original = parseRelname(meta.relname)?.size === ORIG;
  const { lossySteps = original ? 0 : 1, facts = UNKNOWN_FACTS } = header;
  return { ...meta, facts, lossySteps };
}

/** The body from an offset on, which a legacy peer cannot be asked for. */
function skipping(body: Body, offset: number): Body {
  if (offset === 0) return body;
  let skip = offset;
  return {
    async read() {
      for (;;) {
        const bytes = await body.read();
        if (bytes === undefined) return undefined;
        const rest = bytes.subarray(Math.min(skip, bytes.length));
        skip -= bytes.length - rest.length;
        if (rest.length > 0) return rest;
      }
    },
    cancel: () => body.cancel(),
  };
}
