/** Flags as they are written. */

import { expect, test } from "bun:test";
import { refuseFlags, withValues } from "../../../src/cli/usage.ts";

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
  refuseFlags(["--ids", "a", "--json", "--access-log", "--", "--ids"], known);
  refuseFlags(["--ids=", "--no-json", "word"], known);
});
