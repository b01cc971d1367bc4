/** The beginning of a connection, the listener's side: who speaks, how, and whether it may (spec §3). */

import { Fault } from "../base/fault.ts";
import { isLoopback } from "../topology/hosts.ts";
import { COMMAND_NAMES, COMMANDS, PROTOCOL_VERSION } from "../wire/commands.ts";
import type { Piece } from "../wire/decode.ts";
import { encodeHello } from "../wire/encode.ts";
import type { Hello } from "../wire/messages.ts";
import { AuthRefused, keyId, proofOf, sameProof } from "./auth.ts";
import { type Certificate, refuseOthersName } from "./certificate.ts";
import { makeNonce } from "./nonce.ts";
import type { SessionOptions } from "./session-options.ts";

/** The first frame decides between `extended` and `legacy`; `proving`: the dialler's proof is still owed. */
type Mode = "undecided" | "proving" | "extended" | "legacy";

const EXTENSIONS: ReadonlySet<string> = new Set(COMMAND_NAMES.filter((n) => COMMANDS[n].extension));

export class Greeting {
  readonly #options: SessionOptions;
  readonly #say: (frame: Uint8Array) => void;
  readonly #address: string;
  #mode: Mode = "undecided";
  #peer: string;
  #shown: Certificate | undefined;
  /** What the dialler has to say to be let in. */
  #expected = "";

  /** `say` is for the answer to a hello. */
  constructor(options: SessionOptions, address: string, say: (frame: Uint8Array) => void) {
    this.#options = options;
    this.#say = say;
    this.#address = address;
    this.#peer = address;
  }

  /** The certificate that the peer has shown; before its hello. */
  certified(shown: Certificate): void {
    this.#shown = shown;
  }

  /** Name in the peer's hello, proven where there is a key; its address before that and for a legacy peer. */
  get peer(): string {
    return this.#peer;
  }

  get legacy(): boolean {
    return this.#mode === "legacy";
  }

  /** The peer may be served. */
  get over(): boolean {
    return this.#mode === "extended" || this.#mode === "legacy";
  }

  /**
   * Whether the piece is one to act on; one of the greeting itself is not. Throws a Fault `bad_frame`, or
   * AuthRefused.
   */
  passes(piece: Piece): boolean {
    switch (this.#mode) {
      case "undecided":
        return this.#begin(piece);
      case "proving":
        this.#check(piece);
        return false;
      case "extended":
        if (piece.kind === "hello") throw new Fault("bad_frame", "a second hello");
        return true;
      default:
        if (isExtension(piece)) {
          const told = `${piece.kind} from a peer that began without a hello`;
          throw new Fault("bad_frame", told);
        }
        return true;
    }
  }

  #begin(first: Piece): boolean {
    if (first.kind === "hello") {
      this.#answer(first.hello);
      return false;
    }
    if (isExtension(first)) throw new Fault("bad_frame", `${first.kind} before a hello`);
    const { insecure, credentials } = this.#options;
    if (!insecure && credentials.keys.length > 0) {
      throw new AuthRefused("a peer without hello cannot prove that it knows the control key");
    }
    if (!insecure && !isLoopback(this.#address)) {
      const told = "a peer without hello is served on loopback or with insecure = true";
      throw new Fault("bad_frame", told);
    }
    this.#mode = "legacy";
    return true;
  }

  #answer(dialler: Hello): void {
    const { self, epoch, credentials } = this.#options;
    if (credentials.tls !== undefined) refuseOthersName(dialler.name, this.#shown);
    const listener: Hello = {
      name: self,
      epoch,
      version: PROTOCOL_VERSION,
      nonce: makeNonce(),
    };
    if (credentials.keys.length === 0) {
      this.#mode = "extended";
      this.#peer = dialler.name;
      this.#say(encodeHello(listener));
      return;
    }
    const key = credentials.keys.find((own) => dialler.keys?.includes(keyId(own)));
    if (key === undefined) {
      const named = dialler.keys === undefined ? "no control key" : "only other control keys";
      throw new AuthRefused(`${dialler.name} has ${named}`);
    }
    const hellos = { dialler, listener };
    this.#mode = "proving";
    this.#peer = dialler.name;
    this.#expected = proofOf("dialler", key, hellos);
    this.#say(
      encodeHello({ ...listener, key: keyId(key), proof: proofOf("listener", key, hellos) }),
    );
  }

  #check(piece: Piece): void {
    if (piece.kind !== "proof") {
      throw new AuthRefused(`${piece.kind} from ${this.#peer} before its proof`);
    }
    if (!sameProof(piece.proof, this.#expected)) {
      throw new AuthRefused(`${this.#peer} gave a wrong proof`);
    }
    this.#mode = "extended";
  }
}

function isExtension({ kind }: Piece): boolean {
  return EXTENSIONS.has(kind) || kind === "proof";
}
