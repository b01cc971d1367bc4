/** The bytes of every message, written out: what an independent implementation has to produce. */

import { describe, expect, test } from "bun:test";
import { COMMAND_NAMES, type CommandName } from "../../../src/wire/commands.ts";
import {
  encodeAck,
  encodeAsk,
  encodeEnd,
  encodeError,
  encodeHello,
  encodePurge,
  encodeRebalanceHead,
  encodeRecord,
  encodeRequest,
  encodeSaveHead,
  encodeWarm,
  HEARTBEAT_FRAME,
  PING_FRAME,
  PONG_FRAME,
} from "../../../src/wire/encode.ts";
import { makeDigest } from "../../../src/wire/xxhash.ts";
import { decodeAll } from "../../support/wire-pieces.ts";

const RELNAME = "vi/ra/l1/md/viral123.jpg";
const VALIDATOR = "00112233445566ff";
const NONCE = "00112233445566778899aabbccddeeff".repeat(2);
const BODY = new TextEncoder().encode("abc");

const ENCODED: Readonly<Record<CommandName, Uint8Array | readonly Uint8Array[]>> = {
  heartbeat: HEARTBEAT_FRAME,
  ping: PING_FRAME,
  pong: PONG_FRAME,
  request: encodeRequest(RELNAME),
  save: [encodeSaveHead({ relname: RELNAME }, 3), BODY],
  record: encodeRecord({ hits: [{ relname: RELNAME, count: 7 }] }),
  warm: encodeWarm({ relname: RELNAME }),
  rebalance: [encodeRebalanceHead({ relname: RELNAME }, 3), BODY],
  hello: encodeHello({ name: "edge1", epoch: VALIDATOR, version: 1, nonce: NONCE }),
  ask: encodeAsk({
    relname: RELNAME,
    role: "owner",
    epoch: VALIDATOR,
    hops: 1,
    deadlineMs: 1500,
    offset: 65536,
  }),
  error: encodeError({ code: "overloaded", retryAfterMs: 1000 }),
  end: encodeEnd({ bytes: 3, xxh64: "44bc2cf5ad770999" }),
  ack: encodeAck({ of: "-", ok: false, code: "unsupported" }),
  purge: encodePurge({
    entries: [{ id: "viral123", purgedAt: 1700000000, action: "purge" }],
    hops: 1,
  }),
};

/** Made by hand from the specification, not by the encoder. */
const GOLDEN: Readonly<Record<CommandName, readonly string[]>> = {
  heartbeat: ["000000000a 23", "484541525442454154"],
  ping: ["0000000005 5e", "50494e47"],
  pong: ["0000000005 2a", "504f4e47"],
  request: ["0000000019 2b", "76692f72612f6c312f6d642f766972616c3132332e6a7067"],
  save: [
    "000000002d 3d",
    "0000267b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
    "7d616263",
  ],
  record: [
    "0000000030 40",
    "7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a7067222c2268",
    "697473223a377d",
  ],
  warm: ["0000000019 2d", "76692f72612f6c312f6d642f766972616c3132332e6a7067"],
  rebalance: [
    "000000002d 26",
    "0000267b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
    "7d616263",
  ],
  hello: [
    "0000000086 21",
    "0000827b226e616d65223a226564676531222c2265706f6368223a22303031313232333334343535",
    "36366666222c2276657273696f6e223a312c226e6f6e6365223a2230303131323233333434353536",
    "36373738383939616162626363646465656666303031313232333334343535363637373838393961",
    "6162626363646465656666227d",
  ],
  ask: [
    "000000007e 3f",
    "00007a7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
    "2c22726f6c65223a226f776e6572222c2265706f6368223a22303031313232333334343535363666",
    "66222c22686f7073223a312c22646561646c696e654d73223a313530302c226f6666736574223a36",
    "353533367d",
  ],
  error: [
    "000000002d 7e",
    "0000297b22636f6465223a226f7665726c6f61646564222c22726574727941667465724d73223a31",
    "3030307d",
  ],
  end: [
    "000000002a 2e",
    "0000267b226279746573223a332c227878683634223a223434626332636635616437373039393922",
    "7d",
  ],
  ack: [
    "000000002e 25",
    "00002a7b226f66223a222d222c226f6b223a66616c73652c22636f6465223a22756e737570706f72",
    "746564227d",
  ],
  purge: [
    "0000000053 78",
    "00004f7b22656e7472696573223a5b7b226964223a22766972616c313233222c2270757267656441",
    "74223a313730303030303030302c22616374696f6e223a227075726765227d5d2c22686f7073223a",
    "317d",
  ],
};

describe("the bytes of", () => {
  for (const name of COMMAND_NAMES) {
    const golden = GOLDEN[name].join("").replaceAll(" ", "");

    test(`${name} are as the protocol has them`, () => {
      const encoded = ENCODED[name];
      const parts = encoded instanceof Uint8Array ? [encoded] : encoded;
      expect(Buffer.concat(parts).toString("hex")).toBe(golden);
    });

    test(`${name} are read as ${name}`, () => {
      const [piece] = decodeAll(Buffer.from(golden, "hex"));
      expect(piece?.kind).toBe(name);
    });
  }

  test("the digest in an end frame are XXH64 with seed 0, most significant digit first", () => {
    const digest = makeDigest();
    digest.update(BODY);
    expect(digest.hex()).toBe("44bc2cf5ad770999");
    expect(makeDigest().hex()).toBe("ef46db3751d8e999");
  });
});
