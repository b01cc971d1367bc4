/** What peers are answered by a node that drains. */

import { describe, expect, test } from "bun:test";
import { refuseAsOwner } from "../../../src/node/serving.ts";

describe("a node that drains", () => {
  test("refuses what it is asked as owner, so that the next rank is asked", () => {
    expect(() => refuseAsOwner({ role: "owner", legacy: false })).toThrow("shutting down");
  });

  test("still gives what lies on its disk, and serves legacy peers, who know no such answer", () => {
    refuseAsOwner({ role: "local", legacy: false });
    refuseAsOwner({ role: "owner", legacy: true });
  });
});
