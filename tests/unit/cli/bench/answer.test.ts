/** Answers of HTTP/1.1, however the network cuts them up. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type AnswerState,
  endOfAnswer,
  newAnswer,
  PHASE,
  resetAnswer,
  takeAnswer,
} from "../../../../src/cli/bench/answer.ts";
import { BENCH_LIMITS } from "../../../../src/cli/bench/bounds.ts";
import { makeSourceOf } from "../../../../src/cli/bench/cache-source.ts";
import { SOURCE_NAMES } from "../../../../src/cli/bench/tally.ts";

const fresh = (): AnswerState => newAnswer(makeSourceOf());
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

interface Seen {
  readonly status: number;
  readonly bodyBytes: number;
  readonly source: string | undefined;
  readonly closes: boolean;
}

/** What is seen of a stream that comes in these pieces. */
function read(pieces: readonly Buffer[]): { seen: Seen[]; state: AnswerState } {
  const state = fresh();
  const seen: Seen[] = [];
  for (const piece of pieces) {
    let rest = piece;
    while (rest.length > 0 && state.phase < PHASE.broken) {
      rest = rest.subarray(takeAnswer(state, rest));
      if (state.phase !== PHASE.whole) continue;
      const { status, bodyBytes, source, closes } = state;
      seen.push({ status, bodyBytes, source: SOURCE_NAMES[source], closes });
      resetAnswer(state);
    }
  }
  return { seen, state };
}

const one = (text: string): { seen: Seen[]; state: AnswerState } => read([bytes(text)]);

interface Sent {
  readonly text: string;
  readonly seen: Seen;
}

const body = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "0", ":"), maxLength: 300 });
const chunks = fc.array(
  body.filter((text) => text.length > 0),
  { maxLength: 4 },
);
const source = fc.constantFrom(...SOURCE_NAMES);
const cacheStatus = (name: string): string => {
  if (name === "unknown") return "Cache-Status: something; else\r\n";
  if (name === "hit") return "cache-status: mir-r; fwd=uri-miss; detail=origin, mir-e; hit\r\n";
  return `CACHE-STATUS: mir-"e; hit"x\r\nCache-Status: "mir-a, b"; fwd=uri-miss; detail=${name}; stored\r\n`;
};
const withLength = fc.tuple(body, source, fc.constantFrom(200, 404, 503)).map(
  ([text, name, status]): Sent => ({
    text: `HTTP/1.1 ${status} Any Words\r\nDate: x\r\nContent-Length:  ${text.length} \r\n${cacheStatus(name)}\r\n${text}`,
    seen: { status, bodyBytes: text.length, source: name, closes: false },
  }),
);
const inChunks = fc.tuple(chunks, source).map(
  ([parts, name]): Sent => ({
    text: `HTTP/1.1 200 OK\r\n${cacheStatus(name)}Transfer-Encoding: chunked\r\n\r\n${parts
      .map((part) => `${part.length.toString(16)};x=y\r\n${part}\r\n`)
      .join("")}0\r\nTrailer: t\r\n\r\n`,
    seen: { status: 200, bodyBytes: parts.join("").length, source: name, closes: false },
  }),
);
const without = fc.constantFrom(204, 304).map(
  (status): Sent => ({
    text: `HTTP/1.1 ${status} None\r\nContent-Length: 12\r\nConnection: Close\r\n\r\n`,
    seen: { status, bodyBytes: 0, source: undefined, closes: true },
  }),
);
const interim = withLength.map(
  ({ text, seen }): Sent => ({ text: `HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n${text}`, seen }),
);

/** The same bytes in pieces that end anywhere. */
function cut(all: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...at.map((n) => n % (all.length + 1)), all.length].sort((a, b) => a - b);
  return ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end));
}

describe("answers", () => {
  test("are told apart and counted whole, wherever the pieces end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(withLength, inChunks, without, interim), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(5000), { maxLength: 20 }),
        (sent, at) => {
          const all = bytes(sent.map(({ text }) => text).join(""));
          expect(read(cut(all, at)).seen).toEqual(sent.map(({ seen }) => seen));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("are the same byte by byte", () => {
    fc.assert(
      fc.property(fc.oneof(withLength, inChunks, without, interim), ({ text, seen }) => {
        const all = bytes(text);
        const pieces = Array.from({ length: all.length }, (_, i) => all.subarray(i, i + 1));
        expect(read(pieces).seen).toEqual([seen]);
      }),
      { numRuns: 50 },
    );
  });

  test("without a length end with the connection", () => {
    const { seen, state } = one("HTTP/1.1 200 OK\r\n\r\nsome bytes");
    expect({ seen, bodyBytes: state.bodyBytes, closes: state.closes }).toEqual({
      seen: [],
      bodyBytes: 10,
      closes: true,
    });
    expect(endOfAnswer(state)).toBe("whole");
  });

  test("that break off are short in the body, reset before it", () => {
    const ends = [
      "",
      "HTTP/1.1 200 OK\r\nContent-",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
    ];
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n";
    expect([...ends, chunked].map((text) => endOfAnswer(one(text).state))).toEqual([
      "reset",
      "reset",
      "short",
      "short",
    ]);
  });

  test("of HTTP/1.0 close the connection unless they say otherwise", () => {
    const head = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n";
    const closes = (text: string): boolean | undefined => one(text).seen[0]?.closes;
    expect([closes(`${head}\r\n`), closes(`${head}Connection: keep-alive\r\n\r\n`)]).toEqual([
      true,
      false,
    ]);
  });

  test("that are no HTTP, or whose end nobody can tell, are broken", () => {
    const head = "HTTP/1.1 200 OK\r\n";
    for (const text of [
      "hello, this is no HTTP\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 700 OK\r\n\r\n",
      `${head}Content-Length: 1x\r\n\r\n`,
      `${head}Content-Length: -1\r\n\r\n`,
      `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      `${head}Transfer-Encoding: gzip\r\n\r\n`,
      `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`,
    ]) {
      expect([text, one(text).state.phase]).toEqual([text, PHASE.broken]);
    }
  });

  test("have bounded heads and chunk lines", () => {
    const line = `X: ${"x".repeat(1000)}\r\n`;
    const head = "HTTP/1.1 200 OK\r\n";
    const within = Math.floor(BENCH_LIMITS.headBytesMax / line.length) - 1;
    expect(one(head + line.repeat(within)).state.phase).toBe(PHASE.head);
    expect(one(head + line.repeat(within + 2)).state.phase).toBe(PHASE.broken);
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n1;`;
    const long = "x".repeat(BENCH_LIMITS.chunkLineBytesMax);
    expect(one(chunked + long.slice(2)).state.phase).toBe(PHASE.chunkLine);
    expect(one(chunked + long).state.phase).toBe(PHASE.broken);
  });

  test("remember so many different Cache-Status values", () => {
    const { other } = makeSourceOf(1);
    const peer = "mir-a; fwd=uri-miss; detail=peer";
    const values = [
      peer,
      peer.replace("peer", "origin"),
      peer,
      "mir-a; fwd=uri-miss; detail=not_found",
    ];
    expect(values.map((value) => SOURCE_NAMES[other(value)])).toEqual([
      "peer",
      "origin",
      "peer",
      "unknown",
    ]);
  });
});
