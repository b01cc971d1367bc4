/** Every command that the documentation tells people to give: run where its block says, two machines and all. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/setup.ts";
import { type Block, blocksOf, PAGES, spansOf } from "../support/doc-pages.ts";
import { COMMAND_WORDS, LEFT_OUT, PRINTS } from "../support/doc-rules.ts";
import { type DocWorld, makeDocWorld } from "../support/doc-world.ts";
import { EXECUTABLE } from "../support/mesh.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

/** In the order in which a new operator reads: the first one sets up what the others go on with. */
const ORDER = ["docs/getting-started.md", ...PAGES.filter((p) => p !== "docs/getting-started.md")];
const SHELL: readonly Block[] = ORDER.flatMap(blocksOf).filter(({ info }) => /^sh\b/.test(info));
const AWAITED_MS = 30_000;

const leftOut = (line: string): boolean => LEFT_OUT.some((rule) => rule.line.test(line));

describe("commands of the documentation", () => {
  let world: DocWorld;
  beforeAll(async () => {
    world = await makeDocWorld();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  for (const block of SHELL) {
    const text = block.lines.join("\n");
    if (block.lines.every((line) => line === "" || leftOut(line))) continue;
    test(`${block.at} ${block.info}: ${block.lines.find((line) => line !== "")}`, async () => {
      const wanted = PRINTS.filter((rule) => rule.block.test(text)).map(({ out }) => out);
      let ran = await world.run(block, leftOut);
      const prints = (): boolean => wanted.every((out) => out.test(ran.out));
      if (ran.code === 0 && prints()) return;
      // what travels in the background may take its time; a block that waits for it can be given again
      if (wanted.length > 0 && ran.code === 0) {
        const again = async (): Promise<boolean> => {
          ran = await world.run(block, leftOut);
          return prints();
        };
        await until(again, `${block.at} prints ${wanted}: ${ran.out}`, AWAITED_MS);
      }
      expect(`exit ${ran.code}\n${ran.out}`).toStartWith("exit 0\n");
    });
  }
});

test("what looks like a command is in a block that says where it is given", () => {
  for (const block of PAGES.flatMap(blocksOf)) {
    if (/^(sh|toml|nginx|yaml|json|ini)\b/.test(block.info)) continue;
    const command = COMMAND_WORDS.exec(block.lines.join("\n"))?.[0];
    // mend it: ```sh on edge-1, ```sh in the clone; what cannot be run has a row in tests/support/doc-rules.ts
    expect([block.at, command]).toEqual([block.at, undefined]);
  }
});

test("blocks of commands are good shell", async () => {
  for (const { at, lines } of SHELL) {
    const child = Bun.spawn(["bash", "-n", "-c", lines.join("\n")], { stderr: "pipe" });
    const [code, err] = [await child.exited, await new Response(child.stderr).text()];
    expect([at, code, err]).toEqual([at, 0, ""]);
  }
});

/** Command and flags of what is written as a use of mir; in blocks and in the running text. */
const USES: readonly { readonly at: string; readonly command: string; readonly flags: string[] }[] =
  [
    ...SHELL.flatMap(({ at, lines }) => lines.map((text) => ({ at, text }))),
    // which speaks of words that are signed, one of them "mir key"
    ...PAGES.filter((page) => page !== "docs/protocol.md").flatMap(spansOf),
  ].flatMap(({ at, text }) => {
    const [, command, rest = ""] =
      /^(?:[A-Z_]+=\S+ )*(?:\/usr\/local\/bin\/|dist\/)?mir ([a-z]+)\b(.*)$/.exec(text) ?? [];
    if (command === undefined) return [];
    return [
      { at, command, flags: [...rest.matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([flag]) => flag) },
    ];
  });

test("commands and flags of mir are those that it has", async () => {
  const helps = new Map<string, string>();
  for (const { at, command, flags } of USES) {
    let help = helps.get(command);
    if (help === undefined) {
      const child = Bun.spawn([EXECUTABLE, command, "--help"], { stdout: "pipe", stderr: "pipe" });
      help = await new Response(child.stdout).text();
      expect([at, command, await child.exited]).toEqual([at, command, 0]);
      helps.set(command, help);
    }
    for (const flag of flags) {
      expect([at, command, help.includes(flag) ? flag : `no ${flag}`]).toEqual([at, command, flag]);
    }
  }
  expect(USES.length).toBeGreaterThan(20);
});

test("programs and tests of the repository that are named are there", () => {
  for (const { at, text } of PAGES.flatMap(spansOf)) {
    const named = text.match(/\b(?:bench|tests|scripts|deploy|topology)\/[\w./-]*\.\w+/g) ?? [];
    for (const path of named) {
      const there = ["", "src"].some((folder) => existsSync(join(ROOT, folder, path)));
      expect([at, path, there]).toEqual([at, path, true]);
    }
  }
});
