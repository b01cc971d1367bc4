/** docs/protocol.md says what the code does. */

import { expect, test } from "bun:test";
import { COMMAND_NAMES, COMMANDS } from "../../../src/wire/commands.ts";

const doc = await Bun.file(new URL("../../../docs/protocol.md", import.meta.url)).text();

/** Rows of the table of commands: byte, name, shape, data bytes, extension. */
const rows = [...doc.matchAll(/^\| `(.)` \| (\w+) \| ([\w-]+) \| (\d+) \| (yes|no) \|$/gm)].map(
  ([, byte, name, shape, bytes, extension]) => ({ byte, name, shape, bytes, extension }),
);

test("the table of commands in docs/protocol.md is the table in the code, in its order", () => {
  const expected = COMMAND_NAMES.map((name) => {
    const { byte, shape, dataBytesMax, extension } = COMMANDS[name];
    const row = { byte, name, shape, bytes: String(dataBytesMax) };
    return { ...row, extension: extension ? "yes" : "no" };
  });
  expect(rows).toEqual(expected);
});

test("no two commands share a byte, and there are eight plus six of them", () => {
  expect(new Set(rows.map((row) => row.byte)).size).toBe(14);
  expect(
    rows
      .filter((row) => row.extension === "no")
      .map((row) => row.byte)
      .join(""),
  ).toBe("#^*+=@-&");
});

test("the example frame in docs/protocol.md is a heartbeat", () => {
  expect(doc).toContain("00 00 00 00 0a  23  48 45 41 52 54 42 45 41 54");
});
