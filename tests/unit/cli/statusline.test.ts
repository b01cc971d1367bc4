/** One line about a node, in as many columns as there are. */

import { describe, expect, test } from "bun:test";
import { downLine, statusLine } from "../../../src/cli/statusline-text.ts";
import { ansiTint, plainTint, tmuxTint } from "../../../src/cli/tint.ts";
import { statusDocument } from "../../support/status-documents.ts";

const RATES = { seconds: 10, requests: 1200, peerRequests: 34, hitRatio: 0.974 };
const status = (bytes = 40e9, name = "edge-1") =>
  statusDocument({
    ...{ server: name, uptimeSeconds: 11_520 },
    cache: { ...statusDocument().cache, bytes, capacityBytes: 100e9 },
    rates: { ...RATES, bytesIn: 1.5e6, bytesOut: 34e6 },
  });
const plain = (width: number): string => statusLine(status(), { width, tint: plainTint });

describe("the line", () => {
  test("has who at the left and how it does at the right", () => {
    expect(plain(90)).toBe(
      "edge-1 L0           1234/s  hit 97 %  in 1.4 MiB/s out 32 MiB/s  37 GiB / 93 GiB  up 3h12m",
    );
  });

  test("is as wide as it should be, and leaves out what has no room, the least important first", () => {
    for (const width of [200, 90, 80, 60, 45, 40, 30, 20]) {
      expect([width, plain(width).length]).toEqual([width, width]);
    }
    expect(plain(60)).toBe("edge-1                     1234/s  hit 97 %  37 GiB / 93 GiB");
    expect(plain(30)).toBe("edge-1        1234/s  hit 97 %");
    expect(plain(15)).toBe("edge-1   1234/s");
    expect(plain(3)).toBe("edge-1");
  });

  test("shows the disk in yellow from 50 % on, in red from 80 %", () => {
    const colours = [49e9, 50e9, 80e9].map((bytes) => {
      const line = statusLine(status(bytes), { width: 100, tint: ansiTint });
      expect(Bun.stringWidth(line)).toBe(100);
      return /\x1b\[(3\d)m[^\x1b]* GiB \//.exec(line)?.[1];
    });
    expect(colours).toEqual(["32", "33", "31"]);
  });

  test("has colours as tmux writes them, and nothing of a name that tmux would read", () => {
    const line = statusLine(status(90e9, "edge#1"), { width: 100, tint: tmuxTint });
    expect(line).toStartWith("#[bold]edge##1#[default]");
    expect(line).toContain("#[fg=red]84 GiB / 93 GiB#[default]");
  });

  test("of a node that does not answer says only that", () => {
    expect(downLine("edge-1", plainTint)).toBe("mir edge-1: down");
  });
});
