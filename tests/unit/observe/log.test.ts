/** Lines of the log as people read them. */

import { expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { makeLog } from "../../../src/observe/log.ts";

function lineOf(fields: Readonly<Record<string, unknown>>): string {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  makeLog({ node: "edge-1", level: "info", json: false, write }).info("told", fields);
  return lines.join("").replace(/^\S+ /, "");
}

test("texts are quoted, numbers and flags are not, and no text can begin another line", () => {
  expect(lineOf({ path: "/a b", bytes: 7, ok: true, none: undefined, said: "a\nb\0" })).toBe(
    'info  edge-1 told path="/a b" bytes=7 ok=true said="a\\nb\\u0000"\n',
  );
});

test("lists and objects are told with what is in them", () => {
  expect(lineOf({ example: { id: "phone-1" }, changes: ["a: 1 to 2", "b"], nothing: null })).toBe(
    'info  edge-1 told example={"id":"phone-1"} changes=["a: 1 to 2","b"] nothing=null\n',
  );
});

test("errors are told by their message and cause", () => {
  const cause = new Error("no route");
  const fault = new Fault("peer_failed", "edge-2 cannot be reached", { cause });
  expect(lineOf({ fault })).toBe(
    'info  edge-1 told fault="edge-2 cannot be reached (cause: no route)"\n',
  );
});
