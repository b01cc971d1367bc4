/** Every limit of a topology file, reached. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { mistakesOf, read, smallFile } from "./small-file.ts";

test("a file has at most 4 MiB", () => {
  const padded = (bytes: number) => smallFile().padEnd(bytes, "\n");
  expect(read(padded(LIMITS.topologyBytesMax)).kind).toBe("ok");
  expect(mistakesOf(padded(LIMITS.topologyBytesMax + 1))).toEqual([
    [1, 1, "", "4194305 bytes", "at most 4194304 bytes"],
  ]);
});

test("bytes are counted, not characters", () => {
  const text = `${smallFile()}\n#${"…".repeat(LIMITS.topologyBytesMax / 3)}`;
  expect(text.length).toBeLessThan(LIMITS.topologyBytesMax);
  expect(mistakesOf(text)).toHaveLength(1);
});

test("a mesh has at most 16 levels", () => {
  const levels = (count: number) =>
    `[meta]\nname = "m"\n${Array.from(
      { length: count },
      (_, i) => `[[levels]]\n[[levels.servers]]\nname = "l${i}"\ncache_dir = "l${i}"\n`,
    ).join("")}`;
  expect(read(levels(LIMITS.topologyLevelsMax)).kind).toBe("ok");
  expect(mistakesOf(levels(LIMITS.topologyLevelsMax + 1))).toEqual([
    [3, 1, "levels", "17 levels", "at most 16 levels"],
  ]);
});

test("a mesh has at most 4096 servers", () => {
  const servers = (count: number) =>
    `[meta]\nname = "m"\n[[levels]]\n${Array.from(
      { length: count },
      (_, i) => `[[levels.servers]]\nname = "s${i}"\ncache_dir = "s${i}"\n`,
    ).join("")}`;
  expect(read(servers(LIMITS.topologyServersMax)).kind).toBe("ok");
  expect(mistakesOf(servers(LIMITS.topologyServersMax + 1))).toEqual([
    [3, 1, "levels", "4097 servers", "at most 4096 servers"],
  ]);
});

test("a server has at most 64 listeners of a kind", () => {
  const listeners = (count: number) => {
    const more = Array.from({ length: count - 1 }, (_, i) => ({
      net: 20_000 + i,
      peer: 10_000 + i,
    }));
    const publics = more.map(
      (m) => `[[levels.servers.public]]\ntype = "net"\nhost = "h"\nport = ${m.net}\n`,
    );
    const privates = more.map(
      (m) => `[[levels.servers.private]]\nhost = "127.0.0.1"\nport = ${m.peer}\n`,
    );
    return smallFile({ 13: `port = 7001\n${publics.join("")}${privates.join("")}` });
  };
  expect(read(listeners(LIMITS.serverListenersMax)).kind).toBe("ok");
  expect(mistakesOf(listeners(LIMITS.serverListenersMax + 1)).map((row) => row.slice(2))).toEqual([
    ["levels[0].servers[0].public", "65 listeners", "at most 64 listeners"],
    ["levels[0].servers[0].private", "65 listeners", "at most 64 listeners"],
  ]);
});

test("a site has at most 32 classes and 192 exact boxes, which with orig fit in a byte", () => {
  expect(1 + LIMITS.sizeClassesMax + LIMITS.exactSizesMax).toBeLessThan(256);
  const settings = (classes: number, boxes: number) => {
    const sizes = Array.from(
      { length: classes },
      (_, i) => `[[sizes]]\nname = "c${i}"\nwidth = ${i + 1}\nheight = 1`,
    );
    const exact = Array.from({ length: boxes }, (_, i) => `"${i + 1}x1"`);
    return smallFile(
      {},
      ...sizes,
      "[image]",
      'policy = "exact"',
      `exact_sizes = [${exact.join()}]`,
    );
  };
  expect(read(settings(LIMITS.sizeClassesMax, LIMITS.exactSizesMax)).kind).toBe("ok");
  const tooMany = settings(LIMITS.sizeClassesMax + 1, LIMITS.exactSizesMax + 1);
  expect(mistakesOf(tooMany).map((row) => row.slice(2))).toEqual([
    ["sizes", "33 entries", "at most 32"],
    ["image.exact_sizes", "193 entries", "at most 192"],
  ]);
});

test("at most 1000 mistakes are told, then how many more there are", () => {
  const unknown = (count: number) =>
    smallFile({}, ...Array.from({ length: count }, (_, i) => `[zzzz${i}zzzz]`));
  expect(mistakesOf(unknown(LIMITS.topologyMistakesMax))).toHaveLength(1000);
  const told = mistakesOf(unknown(LIMITS.topologyMistakesMax + 2));
  expect(told).toHaveLength(1001);
  expect(told.at(-1)).toEqual([
    1024,
    1,
    "",
    "2 more mistakes from here on",
    "the ones above to be mended first",
  ]);
});

test("a list of more than 16384 entries is not looked into", () => {
  const sizes = (count: number) => `sizes = [${"{},".repeat(count)}]\n${smallFile()}`;
  expect(mistakesOf(sizes(LIMITS.topologyListMax + 1))[0]).toEqual([
    1,
    9,
    "sizes",
    "a list of 16385 entries",
    "at most 16384",
  ]);
  expect(mistakesOf(sizes(LIMITS.topologyListMax))[0]?.[3]).toBe("16384 entries");
});

test("a cache has at most 32 directories", () => {
  const dirs = (count: number) =>
    smallFile({
      6: `cache_dir = "a"\ncache_dirs = [${Array.from({ length: count }, (_, i) => `"d${i}"`)}]`,
    });
  expect(read(dirs(LIMITS.cacheDirsMax)).kind).toBe("ok");
  expect(mistakesOf(dirs(LIMITS.cacheDirsMax + 1))).toEqual([
    [7, 14, "levels[0].servers[0].cache_dirs", "33 directories", "1 to 32"],
  ]);
});
