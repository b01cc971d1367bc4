/** A file that is not what the index says: nothing of it is sent, and its node hears of it. */

import { describe, expect, test } from "bun:test";
import { digestOf } from "../../../src/wire/xxhash.ts";
import { faultOf, readAll } from "../../support/bodies.ts";
import { answerOf, noise, startAsker, startOwner } from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

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

describe("a file with other bytes than were published", () => {
  const serve = (path: string, bytes: number, published: string, spoiled: () => void) =>
    startOwner(async () => ({
      ...answerOf(new Uint8Array(bytes)),
      send: { kind: "file", path, published },
      spoiled,
    }));

  test("is refused before its first byte where it fits into one write", async () => {
    using dir = makeTempDir();
    const content = noise(12 * KiB);
    let spoiled = 0;
    const path = dir.write("other", content);
    await using owner = serve(path, content.length, "0123456789abcdef", () => spoiled++);
    using asker = startAsker(owner.port);
    expect(await faultOf(asker.ask())).toMatchObject({ code: "peer_failed" });
    expect(spoiled).toBe(1);
  });

  test("is told of in its end frame where it is larger, so that nobody takes it for whole, nor goes on behind it", async () => {
    using dir = makeTempDir();
    const content = noise(3000 * KiB);
    let spoiled = 0;
    const path = dir.write("other", content);
    await using owner = serve(path, content.length, "0123456789abcdef", () => spoiled++);
    using asker = startAsker(owner.port);
    const reply = await asker.ask();
    expect(await faultOf(readAll(reply.body))).toMatchObject({ code: "bad_frame" });
    await until(() => spoiled === 1, "its node hears of it");
  });

  for (const bytes of [12 * KiB, 3000 * KiB]) {
    test(`is what is looked for: the right ${bytes} bytes arrive, from the middle too`, async () => {
      using dir = makeTempDir();
      const content = noise(bytes);
      let spoiled = 0;
      const path = dir.write("right", content);
      await using owner = serve(path, bytes, digestOf(content), () => spoiled++);
      using asker = startAsker(owner.port);
      expect(Buffer.compare(await readAll((await asker.ask()).body), content)).toBe(0);
      const part = await asker.ask({ offset: 1000 });
      expect(Buffer.compare(await readAll(part.body), content.subarray(1000))).toBe(0);
      expect(spoiled).toBe(0);
    });
  }
});
