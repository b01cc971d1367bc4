/** The beginning of a connection, the dialler's side: its hello, and what it asks of the listener's. */

import { Fault } from "../base/fault.ts";
import { PROTOCOL_VERSION } from "../wire/commands.ts";
import { encodeHello, encodeProof } from "../wire/encode.ts";
import type { Hello } from "../wire/messages.ts";
import { AuthRefused, keyId, proofOf, sameProof } from "./auth.ts";
import { type Certificate, refuseOthersName } from "./certificate.ts";
import type { Credentials } from "./credentials.ts";
import { makeNonce } from "./nonce.ts";

export interface DialGreetingOptions {
  /** Name of this node. */
  readonly self: string;
  readonly epoch: string;
  /** Name of the node that is dialled. */
  readonly peer: string;
  readonly credentials: Credentials;
}

/** For one connection, since its nonce is. */
export class DialGreeting {
  readonly #options: DialGreetingOptions;
  readonly #hello: Hello;

  constructor(options: DialGreetingOptions) {
    const { self, epoch, credentials } = options;
    const keys = credentials.keys.map(keyId);
    this.#options = options;
    this.#hello = {
      name: self,
      epoch,
      version: PROTOCOL_VERSION,
      nonce: makeNonce(),
      ...(keys.length > 0 && { keys }),
    };
  }

  get frame(): Uint8Array {
    return encodeHello(this.#hello);
  }

  /**
   * What is to be said to the listener's hello, if anything is. Throws a Fault `peer_failed` when it is
   * another node than the one dialled, AuthRefused when its certificate is another node's or it cannot prove
   * that it knows our key. `shown` is undefined without TLS.
   */
  accept(listener: Hello, shown?: Certificate): Uint8Array | undefined {
    const { peer, credentials } = this.#options;
    if (listener.name !== peer) {
      const told = `the node at the address of ${peer} is ${listener.name}; mend the topology`;
      throw new Fault("peer_failed", told);
    }
    if (credentials.tls !== undefined) refuseOthersName(peer, shown);
    if (credentials.keys.length === 0) {
      if (listener.key === undefined) return undefined;
      throw new AuthRefused(`${peer} asks for a control key, and this node has none`);
    }
    const key = credentials.keys.find((own) => keyId(own) === listener.key);
    if (key === undefined || listener.proof === undefined) {
      throw new AuthRefused(`${peer} does not prove that it knows the control key`);
    }
    const hellos = { dialler: this.#hello, listener };
    if (!sameProof(listener.proof, proofOf("listener", key, hellos))) {
      throw new AuthRefused(`${peer} gave a wrong proof`);
    }
    return encodeProof({ proof: proofOf("dialler", key, hellos) });
  }
}
