/** The bytes of further forms of messages, made by hand likewise: fields that only some of them have. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  encodeAck,
  encodeAsk,
  encodeHello,
  encodeProof,
  encodePurge,
  encodeRecord,
  encodeSaveHead,
  encodeWarm,
} from "../../../src/wire/encode.ts";
import { saveHeaderFrom } from "../../../src/wire/shapes.ts";

const RELNAME = "vi/ra/l1/md/viral123.jpg";
const VALIDATOR = "00112233445566ff";
const NONCE = "00112233445566778899aabbccddeeff".repeat(2);

const FORMS: Readonly<Record<string, readonly [Uint8Array, readonly string[]]>> = {
  "an answer that tells who else has it, and how busy the node is": [
    encodeSaveHead({ relname: RELNAME, held: ["edge2"], load: { rate: 120, busy: 3 } }, 3),
    [
      "000000005b 3d",
      "0000547b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c2268656c64223a5b226564676532225d2c226c6f6164223a7b2272617465223a3132302c226275",
      "7379223a337d7d",
    ],
  ],
  "an ask for all that is on disk": [
    encodeAsk({
      relname: RELNAME,
      role: "local",
      epoch: VALIDATOR,
      hops: 1,
      deadlineMs: 1500,
      facts: true,
      list: true,
    }),
    [
      "0000000088 3f",
      "0000847b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c22726f6c65223a226c6f63616c222c2265706f6368223a22303031313232333334343535363666",
      "66222c22686f7073223a312c22646561646c696e654d73223a313530302c226661637473223a7472",
      "75652c226c697374223a747275657d",
    ],
  ],
  "an answer with all that is on disk": [
    encodeSaveHead(
      {
        relname: RELNAME,
        variants: [{ relname: RELNAME, bytes: 3, validator: VALIDATOR }],
      },
      0,
    ),
    [
      "0000000087 3d",
      "0000837b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c2276617269616e7473223a5b7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972",
      "616c3132332e6a7067222c226279746573223a332c2276616c696461746f72223a22303031313232",
      "33333434353536366666227d5d7d",
    ],
  ],
  "a hello that names keys": [
    encodeHello({ name: "edge1", epoch: VALIDATOR, version: 1, nonce: NONCE, keys: [VALIDATOR] }),
    [
      "00000000a2 21",
      "00009e7b226e616d65223a226564676531222c2265706f6368223a22303031313232333334343535",
      "36366666222c2276657273696f6e223a312c226e6f6e6365223a2230303131323233333434353536",
      "36373738383939616162626363646465656666303031313232333334343535363637373838393961",
      "6162626363646465656666222c226b657973223a5b2230303131323233333434353536366666225d",
      "7d",
    ],
  ],
  "a hello that proves": [
    encodeHello({
      name: "edge2",
      epoch: VALIDATOR,
      version: 1,
      nonce: NONCE,
      key: VALIDATOR,
      proof: NONCE,
    }),
    [
      "00000000ea 21",
      "0000e67b226e616d65223a226564676532222c2265706f6368223a22303031313232333334343535",
      "36366666222c2276657273696f6e223a312c226e6f6e6365223a2230303131323233333434353536",
      "36373738383939616162626363646465656666303031313232333334343535363637373838393961",
      "6162626363646465656666222c226b6579223a2230303131323233333434353536366666222c2270",
      "726f6f66223a22303031313232333334343535363637373838393961616262636364646565666630",
      "30313132323333343435353636373738383939616162626363646465656666227d",
    ],
  ],
  "a block for another node": [
    encodePurge({
      entries: [{ id: "viral123", purgedAt: 1700000000, action: "block" }],
      hops: 1,
      to: "edge1",
    }),
    [
      "0000000060 78",
      "00005c7b22656e7472696573223a5b7b226964223a22766972616c313233222c2270757267656441",
      "74223a313730303030303030302c22616374696f6e223a22626c6f636b227d5d2c22686f7073223a",
      "312c22746f223a226564676531227d",
    ],
  ],
  "a question for what was purged": [
    encodePurge({ entries: [], hops: 0, since: { log: "00112233445566aa", seq: 7 } }),
    [
      "0000000046 78",
      "0000427b22656e7472696573223a5b5d2c22686f7073223a302c2273696e6365223a7b226c6f6722",
      "3a2230303131323233333434353536366161222c22736571223a377d7d",
    ],
  ],
  "a proof": [
    encodeProof({ proof: NONCE }),
    [
      "0000000050 21",
      "00004c7b2270726f6f66223a22303031313232333334343535363637373838393961616262636364",
      "64656566663030313132323333343435353636373738383939616162626363646465656666227d",
    ],
  ],
  "a record of several": [
    encodeRecord({
      hits: [
        { relname: RELNAME, count: 7 },
        { relname: RELNAME, count: 1 },
      ],
    }),
    [
      "000000006d 40",
      "7b2268697473223a5b7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132",
      "332e6a7067222c22636f756e74223a377d2c7b2272656c6e616d65223a2276692f72612f6c312f6d",
      "642f766972616c3132332e6a7067222c22636f756e74223a317d5d7d",
    ],
  ],
  "a warm that names the owner": [
    encodeWarm({ relname: RELNAME, owner: "edge1" }),
    [
      "0000000037 2d",
      "7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a7067222c226f",
      "776e6572223a226564676531227d",
    ],
  ],
  "an ack that says what was done": [
    encodeAck({ of: "=", ok: true, note: "kept", detail: { pinned: true } }),
    [
      "000000003f 25",
      "00003b7b226f66223a223d222c226f6b223a747275652c226e6f7465223a226b657074222c226465",
      "7461696c223a7b2270696e6e6564223a747275657d7d",
    ],
  ],
  "a refusal": [
    encodeAck({ of: "&", ok: false, code: "disk_full", message: "no room", retryAfterMs: 1000 }),
    [
      "0000000054 25",
      "0000507b226f66223a2226222c226f6b223a66616c73652c22636f6465223a226469736b5f66756c",
      "6c222c226d657373616765223a226e6f20726f6f6d222c22726574727941667465724d73223a3130",
      "30307d",
    ],
  ],
  "a save with an upload that could not be compared": [
    encodeSaveHead({ relname: RELNAME, upload: { unchecked: true } }, 0),
    [
      "0000000046 3d",
      "0000427b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c2275706c6f6164223a7b22756e636865636b6564223a747275657d7d",
    ],
  ],
  "an ask for which a stand-in will do": [
    encodeAsk({
      relname: RELNAME,
      role: "owner",
      epoch: VALIDATOR,
      hops: 1,
      deadlineMs: 1500,
      standIn: true,
    }),
    [
      "000000007e 3f",
      "00007a7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c22726f6c65223a226f776e6572222c2265706f6368223a22303031313232333334343535363666",
      "66222c22686f7073223a312c22646561646c696e654d73223a313530302c227374616e64496e223a",
      "747275657d",
    ],
  ],
  "a stand-in": [
    encodeSaveHead({ relname: "vi/ra/l1/lg/viral123.webp", standIn: true }, 0),
    [
      "000000003a 3d",
      "0000367b2272656c6e616d65223a2276692f72612f6c312f6c672f766972616c3132332e77656270",
      "222c227374616e64496e223a747275657d",
    ],
  ],
  "a save with an upload": [
    encodeSaveHead({ relname: RELNAME, upload: { webId: "my-cat", sha256: "ab".repeat(32) } }, 0),
    [
      "0000000092 3d",
      "00008e7b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a706722",
      "2c2275706c6f6164223a7b227765624964223a226d792d636174222c22736861323536223a226162",
      "61626162616261626162616261626162616261626162616261626162616261626162616261626162",
      "61626162616261626162616261626162616261626162227d7d",
    ],
  ],
};

test("an answer lists no more variants than the limit", () => {
  const read = (count: number): unknown => {
    const listed = { relname: RELNAME, bytes: 3, validator: VALIDATOR };
    const variants = Array.from({ length: count }, () => listed);
    return saveHeaderFrom({ relname: RELNAME, variants }, "save").variants?.length;
  };
  expect(read(LIMITS.wireListedMax)).toBe(LIMITS.wireListedMax);
  expect(() => read(LIMITS.wireListedMax + 1)).toThrow("variants: more than");
});

describe("the bytes of", () => {
  for (const [name, [encoded, golden]] of Object.entries(FORMS)) {
    test(`${name} are as the protocol has them`, () => {
      expect(Buffer.from(encoded).toString("hex")).toBe(golden.join("").replaceAll(" ", ""));
    });
  }
});
