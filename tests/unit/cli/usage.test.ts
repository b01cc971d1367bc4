/** Flags as they are written. */

import { expect, test } from "bun:test";
import { withValues } from "../../../src/cli/usage.ts";

test("--access-log alone means all, wherever it stands, and takes no other flag for its value", () => {
  expect(withValues(["--access-log"])).toEqual(["--access-log=all"]);
  expect(withValues(["--access-log", "--json"])).toEqual(["--access-log=all", "--json"]);
  expect(withValues(["--access-log", "1%", "--json"])).toEqual(["--access-log", "1%", "--json"]);
  expect(withValues(["--access-log=1/10"])).toEqual(["--access-log=1/10"]);
  expect(withValues(["--json", "--server", "edge-1"])).toEqual(["--json", "--server", "edge-1"]);
});
