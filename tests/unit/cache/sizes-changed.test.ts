/** A node that starts with another list of classes: what keeps its name and shape stays, whatever its place in the list. */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CacheDir, makeCacheDir, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { expectSound } from "../../support/sound.ts";

const BEFORE = { sizes: ["orig", "sm", "md", "lg"], shapes: ["orig", "320", "600", "1200"] };
const PICTURES = 40;
/** Ends of ids lie in cells of their own from 22 characters on. */
const LONG = "lo/ng/-n/md/long-name-of-a-picture-in-the-harbour.webp";

const nameOf = (n: number): string => relnameOfNumber(n, BEFORE.sizes[1 + (n % 3)]);

function filled(): CacheDir {
  const made = makeCacheDir(BEFORE);
  for (let n = 0; n < PICTURES; n++) putBytes(made.cache, nameOf(n));
  putBytes(made.cache, LONG);
  return made;
}

/** How many of each size are found, and still lie on disk. */
function found({ cache, dir }: CacheDir): Record<string, number> {
  const counts: Record<string, number> = { sm: 0, md: 0, lg: 0, long: 0 };
  for (let n = 0; n < PICTURES; n++) {
    const size = BEFORE.sizes[1 + (n % 3)] ?? "";
    const name = nameOf(n);
    const there = cache.look(name) !== undefined;
    expect(existsSync(join(dir, name))).toBe(there);
    if (there) counts[size] = (counts[size] ?? 0) + 1;
  }
  if (cache.look(LONG) !== undefined) counts["long"] = 1;
  return counts;
}

const ALL = { sm: 14, md: 13, lg: 13, long: 1 };

for (const how of ["clean", "unclean"] as const) {
  describe(`after a stop that was ${how}`, () => {
    const stopped = (): CacheDir => {
      const made = filled();
      if (how === "clean") made.save();
      return made;
    };

    test("a class that is put between others takes nothing from them", () => {
      using made = stopped();
      using again = made.restart({
        sizes: ["orig", "thumb", "sm", "md", "hero", "lg"],
        shapes: ["orig", "200", "320", "600", "900", "1200"],
      });
      expect(found(again)).toEqual(ALL);
      expect(again.restored.dropped).toBe(0);
      expectSound(again);
      // and it stays so once it was saved like that
      again.save();
      using third = again.restart();
      expect(found(third)).toEqual(ALL);
      expectSound(third);
    });

    test("a class that is taken away goes alone", () => {
      using made = stopped();
      using again = made.restart({ sizes: ["orig", "md"], shapes: ["orig", "600"] });
      expect(found(again)).toEqual({ ...ALL, sm: 0, lg: 0 });
      expect(again.cache.usage().variants).toBe(ALL.md + 1);
      expectSound(again);
    });

    test("a class that says something else starts from nothing, and the log tells which", () => {
      using made = stopped();
      using again = made.restart({ shapes: ["orig", "320", "450", "1200"] });
      expect(found(again)).toEqual({ ...ALL, md: 0, long: 0 });
      const said = again.logged.filter(({ event }) => event === "cache.sizes_changed");
      expect(said.map(({ fields }) => fields["sizes"])).toEqual([["md"]]);
      // what is made from now on is of the new shape
      putBytes(again.cache, nameOf(1));
      using third = again.restart();
      expect(found(third)).toEqual({ ...ALL, md: 1, long: 0 });
      expectSound(third);
    });
  });
}
