/** The bytes of what nodes say of a trace, written out. */

import { expect, test } from "bun:test";
import { encodeAsk, encodeSaveHead } from "../../../src/wire/encode.ts";

const RELNAME = "vi/ra/l1/md/viral123.jpg";
const VALIDATOR = "00112233445566ff";

const FORMS: Readonly<Record<string, readonly [Uint8Array, readonly string[]]>> = {
  "an ask within a trace, which wants to know where the time went": [
    encodeAsk({
      relname: RELNAME,
      role: "owner",
      epoch: VALIDATOR,
      hops: 1,
      deadlineMs: 1500,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      timed: true,
    }),
    [
      "00000000c4 3f",
      "0000c07b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a7067",
      "222c22726f6c65223a226f776e6572222c2265706f6368223a2230303131323233333434353536",
      "366666222c22686f7073223a312c22646561646c696e654d73223a313530302c22747261636570",
      "6172656e74223a2230302d34626639326633353737623334646136613363653932396430653065",
      "343733362d303066303637616130626139303262372d3031222c2274696d6564223a747275657d",
    ],
  ],
  "an answer that says where its time went": [
    encodeSaveHead(
      { relname: RELNAME, spans: [{ name: "origin", us: 12500, at: "regional-1", hop: 1 }] },
      0,
    ),
    [
      "000000006b 3d",
      "0000677b2272656c6e616d65223a2276692f72612f6c312f6d642f766972616c3132332e6a7067",
      "222c227370616e73223a5b7b226e616d65223a226f726967696e222c227573223a31323530302c",
      "226174223a22726567696f6e616c2d31222c22686f70223a317d5d7d",
    ],
  ],
};

for (const [name, [encoded, golden]] of Object.entries(FORMS)) {
  test(`the bytes of ${name} are as the protocol has them`, () => {
    expect(Buffer.from(encoded).toString("hex")).toBe(golden.join("").replaceAll(" ", ""));
  });
}
