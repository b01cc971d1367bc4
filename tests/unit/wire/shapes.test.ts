/** The checks of messages, written by hand for speed, against the same rules as schemas. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { CommandName } from "../../../src/wire/commands.ts";
import type { Message } from "../../../src/wire/messages.ts";
import { parseHeaded, parsePlain } from "../../../src/wire/parse.ts";
import { anyJson } from "../../support/wire-arbitraries.ts";
import { SCHEMAS } from "../../support/wire-schemas.ts";

type Kind = keyof typeof SCHEMAS;
const KINDS = Object.keys(SCHEMAS) as readonly Kind[];
const utf8 = new TextEncoder();

/** What fields hold that should hold something else; of each limit the last good and the first bad value. */
const odd = fc.oneof(
  fc.constantFrom<unknown[]>(null, true, false, "", " ", "owner", "=", "é", "a\nb", [], {}, [{}]),
  fc.constantFrom(-1, -0, 0, 0.5, 1, 255, 256, 65_535, 65_536, 1e9, 1e9 + 1, 1e308),
  fc.constantFrom(LIMITS.wireBodyBytesMax, LIMITS.wireBodyBytesMax + 1, 2 ** 53 - 1, 2 ** 53),
  fc.constantFrom(86_400_000, 86_400_001, "0".repeat(16), "F".repeat(16), "0".repeat(17)),
  fc.constantFrom("0".repeat(64), "/vi/ra/l1/md/viral123.jpg", "vi/ra/l1/md/viral123.exe", "jpg"),
  fc.constantFrom(255, 256, 257, 4096, 4097).map((chars) => "x".repeat(chars)),
  fc.constantFrom(8, 9, 256, 257).map((n) => Array.from({ length: n }, () => "0".repeat(16))),
  fc.array(fc.oneof(anyJson.purge, fc.constant({ relname: "vi/ra/l1/md/viral123.jpg", count: 1 }))),
  fc.constant({ width: 1, height: 65_536, alpha: false, animated: 1 }),
  fc.constant({ width: 1, height: 1, alpha: true, animated: false, more: 1 }),
  fc.constantFrom({ webId: "a/b" }, { sha256: "0".repeat(64) }, { log: "a", seq: 1 }, { log: 7 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Good JSON with a few of its fields, also those of lists and objects in it, taken out or replaced. */
function spoilt(good: fc.Arbitrary<object>): fc.Arbitrary<object> {
  const change = fc.record({ where: fc.nat(), what: fc.option(odd, { nil: undefined }) });
  return fc.tuple(good, fc.array(change, { maxLength: 3 }), odd).map(([json, changes, extra]) => {
    const copy = structuredClone({ ...json, unknown: extra });
    for (const { where, what } of changes) {
      const places = placesOf(copy);
      const [holder, key] = places[where % places.length] ?? [];
      if (holder === undefined || key === undefined) continue;
      if (what === undefined) Reflect.deleteProperty(holder, key);
      else Reflect.set(holder, key, structuredClone(what));
    }
    return copy;
  });
}

function placesOf(value: object): [object, string][] {
  return Object.entries(value).flatMap(([key, inner]) => [
    [value, key] as [object, string],
    ...(typeof inner === "object" && inner !== null ? placesOf(inner) : []),
  ]);
}

/** What the code reads, without the fields that are absent; or the code of its refusal. */
function read(kind: Kind, json: unknown): unknown {
  const data = utf8.encode(JSON.stringify(json));
  try {
    return JSON.parse(JSON.stringify(contentOf(kind, data)));
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

function contentOf(kind: Kind, data: Uint8Array): unknown {
  if (kind === "record" || kind === "warm") return field(parsePlain(kind, data), kind);
  const command: CommandName = kind === "proof" ? "hello" : kind;
  const message = parseHeaded(command, data, 0);
  if (message.kind === "proof") return { proof: message.proof };
  return field(message, kind === "save" ? "header" : kind);
}

function field(message: Message, name: string): unknown {
  return Reflect.get(message, name);
}

/** The same by the schema. A hello without a name is a proof, and a proof with a name is none. */
function expected(kind: Kind, json: unknown): unknown {
  const wire: unknown = JSON.parse(JSON.stringify(json));
  const named = typeof wire === "object" && wire !== null && "name" in wire;
  const greeting = kind === "hello" || kind === "proof";
  const schema = greeting ? SCHEMAS[named ? "hello" : "proof"] : SCHEMAS[kind];
  const result = v.safeParse(schema, wire);
  return result.success ? JSON.parse(JSON.stringify(result.output)) : "bad_frame";
}

describe("every message is read as its schema says:", () => {
  for (const kind of KINDS) {
    test(`${kind}, good or spoilt`, () => {
      let refused = 0;
      let taken = 0;
      fc.assert(
        fc.property(spoilt(anyJson[kind]), (json) => {
          const wanted = expected(kind, json);
          if (wanted === "bad_frame") refused++;
          else taken++;
          expect(read(kind, json)).toEqual(wanted);
        }),
        { numRuns: 1500 },
      );
      // else it compares nothing
      expect(Math.min(refused, taken)).toBeGreaterThan(100);
    });
  }

  test("whatever JSON there is instead of an object is refused", () => {
    for (const kind of KINDS.filter((k) => k !== "warm")) {
      for (const json of [null, true, 7, "x", [], ["relname"]]) {
        expect([kind, json, read(kind, json)]).toEqual([kind, json, "bad_frame"]);
      }
    }
  });

  test("a refusal names the message and the field", () => {
    const told = (command: CommandName, json: unknown): string => {
      try {
        parseHeaded(command, utf8.encode(JSON.stringify(json)), 0);
      } catch (error) {
        if (error instanceof Fault) return error.message;
      }
      return "taken";
    };
    const relname = "vi/ra/l1/md/viral123.jpg";
    const entry = { id: "viral123", purgedAt: 1, action: "purge" };
    expect([
      told("end", { bytes: -1, xxh64: "0".repeat(16) }),
      told("save", { relname, facts: { width: 1 } }),
      told("save", { relname: "../../etc/passwd" }),
      told("purge", { entries: [entry, { ...entry, action: "burn" }], hops: 0 }),
      told("error", { code: "" }),
      told("hello", []),
    ]).toEqual([
      `end: bytes: not from 0 to ${LIMITS.wireBodyBytesMax}`,
      "save: facts: height: not an integer",
      "save: relname: no relname",
      "purge: entries.1: action: not one of purge withdraw block unblock origin",
      "error: code: empty",
      "hello: proof: not a string",
    ]);
  });
});
