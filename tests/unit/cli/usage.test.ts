/** Flags as they are written. */

import { expect, test } from "bun:test";
import { refuseFlags, refuseWords, withValues } from "../../../src/cli/usage.ts";

test("--access-log alone means all, wherever it stands, and takes no other flag for its value", () => {
  expect(withValues(["--access-log"])).toEqual(["--access-log=all"]);
  expect(withValues(["--access-log", "--json"])).toEqual(["--access-log=all", "--json"]);
  expect(withValues(["--access-log", "1%", "--json"])).toEqual(["--access-log", "1%", "--json"]);
  expect(withValues(["--access-log=1/10"])).toEqual(["--access-log=1/10"]);
  expect(withValues(["--json", "--server", "edge-1"])).toEqual(["--json", "--server", "edge-1"]);
});

const known = {
  ids: { type: "string", description: "what is asked for" },
  json: { type: "boolean", description: "for machines" },
  "access-log": { type: "string", description: "a share" },
} as const;

test("flags that nobody knows, without their value, or given twice are refused", () => {
  const refused = (...args: string[]): string => {
    try {
      refuseFlags(args, known);
    } catch (error) {
      return String(error);
    }
    return "taken";
  };
  expect(refused("--idz", "a")).toContain("unknown flag --idz (did you mean --ids?)");
  expect(refused("--ids")).toContain("--ids needs a value: what is asked for");
  expect(refused("--ids", "--json")).toContain("--ids needs a value");
  expect(refused("--ids", "a", "--ids=b")).toContain("--ids is there twice");
  for (const args of [["--json=no"], ["--json="], ["--json", "false"], ["--no-json=1"]]) {
    expect(refused(...args)).toContain("json takes no value: it is given, or left out");
  }
  refuseFlags(["--ids", "a", "--json", "--access-log", "--", "--ids"], known);
  refuseFlags(["--ids=", "--no-json", "word"], known);
});

test("words beyond those that a command takes are refused", () => {
  const shell = { type: "positional", valueHint: "SHELL", required: false } as const;
  const files = { type: "positional", description: "one or more pictures" } as const;
  const refusing = (args: string[], flags: object) => () =>
    refuseWords("try", args, flags as never);
  expect(refusing(["bash", "zsh"], { ...known, shell })).toThrow("zsh: mir try takes one SHELL");
  expect(refusing(["a"], known)).toThrow("a: mir try takes flags only");
  refusing(["--ids", "a", "bash"], { ...known, shell })();
  refusing(["a", "b", "c"], { ...known, files })();
});
