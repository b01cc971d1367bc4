/** A file that is not what the index says: nothing of it is sent, and its node hears of it. */

import { describe, expect, test } from "bun:test";
import { faultOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startOwner } from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const KiB = 1024;

describe("a file that is", () => {
  for (const bytes of [1, 12 * KiB, 64 * KiB, 64 * KiB + 1, 200 * KiB, 3000 * KiB]) {
    for (const [what, wrong] of [
      ["shorter", bytes - 1],
      ["longer", bytes + 1],
      ["gone", undefined],
    ] as const) {
      test(`${what} than its ${bytes} bytes is refused before its first byte, and told of`, async () => {
        using dir = makeTempDir();
        let path = `${dir.path}/nowhere`;
        if (wrong !== undefined) path = dir.write("wrong", noise(wrong));
        const good = dir.write("good", noise(bytes));
        let spoiled = 0;
        let file = path;
        await using owner = startOwner(async () => ({
          ...answerOf(new Uint8Array(bytes)),
          send: { kind: "file", path: file },
          spoiled: () => {
            spoiled++;
          },
        }));
        using asker = startAsker(owner.port);
        const fault = await faultOf(asker.ask());
        expect([fault.code, fault.message]).toEqual([
          "peer_failed",
          "the node owner answered peer_failed",
        ]);
        expect(spoiled).toBe(1);
        // the connection is still good, and so is the next answer
        file = good;
        const reply = await asker.ask();
        expect(Buffer.compare(await readAll(reply.body), noise(bytes))).toBe(0);
        expect([spoiled, asker.links.state("owner").connections]).toEqual([1, 1]);
      });
    }
  }
});
