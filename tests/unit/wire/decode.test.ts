/** The decoder: any cutting, every limit, and nothing but Faults for what makes no sense. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { COMMAND_NAMES, COMMANDS, type CommandName } from "../../../src/wire/commands.ts";
import { Decoder } from "../../../src/wire/decode.ts";
import { encodeRequest, encodeSaveHead, HEARTBEAT_FRAME } from "../../../src/wire/encode.ts";
import { writeUint } from "../../../src/wire/uint.ts";
import { anyMessage, anyRecording } from "../../support/wire-arbitraries.ts";
import { decodeAll, decodeChunks, joined } from "../../support/wire-pieces.ts";

const RELNAME = "vi/ra/l1/md/viral123.jpg";

/** Whole numbers from 0 to below what is asked for, the same for the same seed. */
function randomBelow(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A frame whose length is what the test says, not what its data is. */
function rawFrame(byte: string, length: number, data: Uint8Array | string = ""): Uint8Array {
  const head = new Uint8Array(6);
  writeUint(head, 0, 5, length);
  head[5] = byte.charCodeAt(0);
  return Buffer.concat([head, Buffer.from(data as string)]);
}

function jsonFrame(byte: string, json: string, body = ""): Uint8Array {
  const text = Buffer.from(json);
  const field = new Uint8Array(3);
  writeUint(field, 0, 3, text.length);
  const data = Buffer.concat([field, text, Buffer.from(body)]);
  return rawFrame(byte, data.length + 1, data);
}

function faultOf(bytes: Uint8Array): Fault {
  try {
    decodeAll(bytes);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("the decoder took it");
}

describe("a stream of frames", () => {
  test("says the same wherever it is cut (3,000 recordings)", () => {
    fc.assert(
      fc.property(anyRecording, fc.array(fc.nat(), { maxLength: 12 }), (recording, cuts) => {
        const at = [
          0,
          ...cuts.map((c) => c % (recording.bytes.length + 1)),
          recording.bytes.length,
        ];
        at.sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, i) => recording.bytes.subarray(at[i] ?? 0, end));
        expect(joined(decodeChunks(chunks))).toEqual([...recording.says]);
      }),
      { numRuns: 3000 },
    );
  });

  test("says the same wherever it is cut (100,000 frames, 1,000 in a row, in pieces of 1 to 64 KiB)", () => {
    const drawn = fc.sample(anyMessage, 4000);
    const order = fc.record({
      seed: fc.integer(),
      pieceBytesMax: fc.constantFrom(3, 64, 1500, 65_536),
    });
    fc.assert(
      fc.property(order, ({ seed, pieceBytesMax }) => {
        const draw = randomBelow(seed);
        const frames = Array.from({ length: 1000 }, () => drawn[draw(drawn.length)]);
        const bytes = Buffer.concat(frames.map((frame) => frame?.bytes ?? new Uint8Array(0)));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; ) {
          const end = at + 1 + draw(pieceBytesMax);
          chunks.push(bytes.subarray(at, end));
          at = end;
        }
        const says = frames.flatMap((frame) => frame?.says ?? []);
        // far cheaper than toEqual, which tells where they differ
        const read = joined(decodeChunks(chunks));
        if (!Bun.deepEquals(read, says)) expect(read).toEqual(says);
      }),
      { numRuns: 100 },
    );
  });

  test("says the same when it comes byte by byte", () => {
    fc.assert(
      fc.property(anyRecording, (recording) => {
        const bytes = [...recording.bytes].map((byte) => Uint8Array.of(byte));
        expect(joined(decodeChunks(bytes))).toEqual([...recording.says]);
      }),
      { numRuns: 200 },
    );
  });

  test("gives bodies as views of what came in, without a copy", () => {
    const chunk = Buffer.concat([encodeSaveHead({ relname: RELNAME }, 5), Buffer.from("hello")]);
    const body = decodeAll(chunk).find((piece) => piece.kind === "body");
    expect(body?.bytes.buffer).toBe(chunk.buffer);
  });

  test("is known to be inside a frame from its first byte to its last", () => {
    const decoder = new Decoder();
    expect(decoder.midFrame).toBe(false);
    decoder.feed(HEARTBEAT_FRAME.subarray(0, 1));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.midFrame).toBe(true);
    decoder.feed(HEARTBEAT_FRAME.subarray(1));
    expect(decoder.next()).toEqual({ kind: "heartbeat" });
    expect(decoder.midFrame).toBe(false);
  });
});

describe("refused with bad_frame:", () => {
  test("a claim of a terabyte, at the sixth byte and without allocating", () => {
    for (const name of COMMAND_NAMES) {
      const fault = faultOf(rawFrame(COMMANDS[name].byte, 2 ** 40 - 1));
      expect(fault.code).toBe("bad_frame");
      expect(fault.message).toContain("at most");
    }
  });

  test("one byte of data more than a command may have, while the most it may have passes", () => {
    for (const name of COMMAND_NAMES) {
      const { byte, dataBytesMax } = COMMANDS[name];
      expect(decodeAll(rawFrame(byte, dataBytesMax + 1))).toEqual([]);
      expect(faultOf(rawFrame(byte, dataBytesMax + 2)).code).toBe("bad_frame");
    }
  });

  test("a length of nothing, and headers that have no room", () => {
    expect(faultOf(rawFrame("#", 0)).message).toContain("length of nothing");
    expect(faultOf(rawFrame("=", 3, "ab")).message).toContain("no room");
  });

  test("every byte that is no command", () => {
    const commands: ReadonlySet<number> = new Set(
      COMMAND_NAMES.map((name) => COMMANDS[name].byte.charCodeAt(0)),
    );
    for (let byte = 0; byte < 256; byte++) {
      if (commands.has(byte)) continue;
      const fault = faultOf(rawFrame(String.fromCharCode(byte & 127), 1));
      if (byte < 128) expect(fault.message).toContain("unknown command");
    }
    expect(faultOf(Uint8Array.of(0, 0, 0, 0, 1, 0xff)).message).toContain("0xff");
  });

  test("literals that are not the literal", () => {
    expect(faultOf(rawFrame("#", 10, "HEARTBEET")).message).toContain("HEARTBEAT");
    expect(faultOf(rawFrame("^", 4, "PIN")).code).toBe("bad_frame");
  });

  test("JSON longer than its maximum or than its frame, and bytes after it", () => {
    const tooLong = new Uint8Array(LIMITS.wireJsonBytesMax + 100);
    writeUint(tooLong, 0, 3, LIMITS.wireJsonBytesMax + 1);
    expect(faultOf(rawFrame("=", tooLong.length + 1, tooLong)).message).toContain("too many");
    expect(faultOf(rawFrame("=", 6, Uint8Array.of(0, 0, 3, 0x7b, 0x7d))).code).toBe("bad_frame");
    expect(faultOf(jsonFrame("~", '{"code":"x"}', "more")).message).toContain("after its JSON");
  });

  test("a body over its maximum though the frame is not", () => {
    const json = Buffer.from(`{"relname":"${RELNAME}"}`);
    const field = new Uint8Array(3);
    writeUint(field, 0, 3, json.length);
    const data = 3 + json.length + LIMITS.wireBodyBytesMax;
    const at = (extra: number) => rawFrame("=", 1 + data + extra, Buffer.concat([field, json]));
    expect(decodeAll(at(0))[0]).toMatchObject({ bodyBytes: LIMITS.wireBodyBytesMax });
    expect(faultOf(at(1)).message).toContain("a body of");
  });

  test("JSON that is none, is not UTF-8, or lacks what it must have", () => {
    for (const json of ["", "{", "[]", "null", '"x"', "{}", '{"relname":7}']) {
      expect(faultOf(jsonFrame("=", json)).code).toBe("bad_frame");
    }
    const notUtf8 = Uint8Array.of(0, 0, 2, 0xc3, 0x28);
    expect(faultOf(rawFrame("=", 6, notUtf8)).message).toContain("not UTF-8");
  });

  test("names that are no relname, above all those that lead elsewhere", () => {
    const names = ["", "/", "../../etc/passwd", "vi/ra/l1/md/../viral123.jpg", `${RELNAME}\0`];
    for (const name of [...names, "ab/cd/ef/md/viral123.jpg", "vi/ra/l1/md/viral123.exe"]) {
      expect(faultOf(rawFrame("+", Buffer.byteLength(name) + 1, name)).code).toBe("bad_frame");
      expect(faultOf(jsonFrame("=", JSON.stringify({ relname: name }))).code).toBe("bad_frame");
    }
  });

  test("text that would break a header line or a log", () => {
    const hello = { name: "a\r\nX-Evil: 1", epoch: "e", version: 1, nonce: "0".repeat(64) };
    expect(faultOf(jsonFrame("!", JSON.stringify(hello))).code).toBe("bad_frame");
    const save = { relname: RELNAME, via: "a\nb" };
    expect(faultOf(jsonFrame("=", JSON.stringify(save))).code).toBe("bad_frame");
  });

  test("a hello with more key ids than a node can have", () => {
    const hello = { name: "a", epoch: "e", version: 1, nonce: "0".repeat(64) };
    const keys = Array.from({ length: LIMITS.wireKeysMax }, () => "0".repeat(16));
    const [piece] = decodeAll(jsonFrame("!", JSON.stringify({ ...hello, keys })));
    expect(piece).toMatchObject({ kind: "hello", hello: { keys } });
    const more = JSON.stringify({ ...hello, keys: [...keys, "0".repeat(16)] });
    expect(faultOf(jsonFrame("!", more)).code).toBe("bad_frame");
  });

  test("and nothing is read after it, however often one asks", () => {
    const decoder = new Decoder();
    decoder.feed(Buffer.concat([rawFrame("Z", 1), HEARTBEAT_FRAME]));
    expect(() => decoder.next()).toThrow(Fault);
    expect(() => decoder.next()).toThrow("unknown command");
  });
});

describe("accepted:", () => {
  test("a leading slash, which is dropped", () => {
    const [piece] = decodeAll(rawFrame("+", RELNAME.length + 2, `/${RELNAME}`));
    expect(piece).toEqual({ kind: "request", relname: RELNAME });
  });

  test("fields that are not known, which are dropped", () => {
    const [piece] = decodeAll(jsonFrame("=", `{"relname":"${RELNAME}","new":1,"__proto__":{}}`));
    expect(piece).toEqual({ kind: "save", header: { relname: RELNAME }, bodyBytes: 0 });
  });

  test("the longest relname", () => {
    const id = "a".repeat(LIMITS.contentIdCharsMax);
    const relname = `aa/aa/aa/${"m".repeat(16)}/${id}.webp`;
    expect(decodeAll(encodeRequest(relname))).toEqual([{ kind: "request", relname }]);
  });
});

test("random bytes end in a Fault bad_frame or in nothing, never in another error", () => {
  const known = fc.constantFrom<CommandName>(...COMMAND_NAMES);
  const almost = fc
    .tuple(known, fc.nat({ max: 300 }), fc.uint8Array({ maxLength: 200 }))
    .map(([name, length, data]) => rawFrame(COMMANDS[name].byte, length, data));
  const noise = fc.oneof(fc.uint8Array({ maxLength: 400 }), almost);
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 4 }), (chunks) => {
      try {
        decodeChunks(chunks);
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
        expect((error as Fault).code).toBe("bad_frame");
      }
    }),
    { numRuns: 5000 },
  );
});
