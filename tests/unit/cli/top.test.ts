/** Frames of mir top: as large as the terminal, whatever the mesh; and what keys do. */

import { describe, expect, test } from "bun:test";
import { PLAIN } from "../../../src/cli/glyphs.ts";
import { plainTint } from "../../../src/cli/tint.ts";
import { topFrame, wholeFrame } from "../../../src/cli/top/frame.ts";
import { hottestOf } from "../../../src/cli/top/hottest.ts";
import { keysIn } from "../../../src/cli/top/keys.ts";
import { CURVE_MAX, START, type TopState, withKey, withMesh } from "../../../src/cli/top/state.ts";
import type { HotShown } from "../../../src/content/hot/keeper.ts";
import { meshDocument, statusDocument } from "../../support/status-documents.ts";

const LOOK = { tint: plainTint, glyphs: PLAIN };

function hot(id: string, score: number): HotShown {
  return { id, score, owner: "edge-1", rate: score / 10, degree: 1, holders: [] };
}

function state(servers: number, items: readonly HotShown[] = []): TopState {
  const named = Array.from({ length: servers }, (_, i) => {
    const name = `edge-${i + 1}`;
    const status = statusDocument({ server: name, hot: { ...statusDocument().hot, items } });
    return { name, status, statusAt: 100 };
  });
  return withMesh(START, meshDocument(named));
}

describe("a frame", () => {
  test("has as many lines as the terminal, its keys in the last one", () => {
    for (const rows of [1, 2, 5, 10, 24, 200]) {
      for (const servers of [1, 3, 60]) {
        const frame = topFrame(state(servers, [hot("harbour", 9)]), { columns: 80, rows }, LOOK);
        expect(frame).toHaveLength(rows);
        expect(frame.at(-1)).toContain("q quit");
      }
    }
  });

  test("shows the selected server however many there are", () => {
    let selected = state(60);
    for (let i = 0; i < 45; i++) selected = withKey(selected, "down");
    const frame = topFrame(selected, { columns: 100, rows: 20 }, LOOK);
    expect(frame.some((line) => line.startsWith("|->* edge-46"))).toBe(true);
  });

  test("says what is missing before there is anything to show, and what went wrong after", () => {
    expect(topFrame(START, { columns: 80, rows: 3 }, LOOK)[0]).toContain("waiting");
    const lost = { ...state(1), trouble: "no node answers" };
    expect(topFrame(lost, { columns: 80, rows: 30 }, LOOK)).toContain("! no node answers");
  });

  test("shows all of it where it is printed once", () => {
    const lines = wholeFrame(state(60, [hot("harbour", 9)]), 80, LOOK);
    expect(lines.filter((line) => line.includes("* edge-"))).toHaveLength(60);
    expect(lines.some((line) => line.startsWith("  harbour ################"))).toBe(true);
  });

  test("explains itself, and goes back", () => {
    const help = withKey(state(1), "help");
    expect(topFrame(help, { columns: 80, rows: 20 }, LOOK).join("\n")).toContain("select a server");
    expect(withKey(help, "help").help).toBe(false);
  });
});

describe("what is kept", () => {
  test("is the last minutes of each server that is still there", () => {
    let kept = state(2);
    for (let i = 0; i < CURVE_MAX + 5; i++)
      kept = withMesh(kept, meshDocument([{ name: "edge-2" }]));
    expect([...kept.curves.keys()]).toEqual(["edge-2"]);
    expect(kept.curves.get("edge-2")).toHaveLength(CURVE_MAX);
    expect(kept.selected).toBe("edge-2");
  });

  test("is the hottest first, each id by the word of who sees most of it", () => {
    const mesh = meshDocument(
      [[hot("a", 3), hot("b", 7)], [hot("a", 9)]].map((items, i) => {
        const status = statusDocument({ hot: { ...statusDocument().hot, items } });
        return { name: `edge-${i + 1}`, status, statusAt: 100 };
      }),
    );
    expect(hottestOf(mesh).map(({ id, score }) => [id, score])).toEqual([
      ["a", 9],
      ["b", 7],
    ]);
  });
});

describe("keys", () => {
  test("are known in the ways that terminals send them, several at a time", () => {
    expect(keysIn("\x1b[A\x1bOBjkq")).toEqual(["up", "down", "down", "up", "quit"]);
    expect(keysIn("\x03")).toEqual(["quit"]);
    expect(keysIn("?gG\x1b[H\x1b[F")).toEqual(["help", "first", "last", "first", "last"]);
  });

  test("that mean nothing here are passed over whole", () => {
    expect(keysIn("\x1b[15~x\x1b\x1b[1;5A")).toEqual([]);
  });

  test("select from the first to the last server and no further", () => {
    const keys = ["up", "down", "down", "down", "first", "last"] as const;
    let now = state(3);
    const names = keys.map((key) => {
      now = withKey(now, key);
      return now.selected;
    });
    expect(names).toEqual(["edge-1", "edge-2", "edge-3", "edge-3", "edge-1", "edge-3"]);
  });
});
