/** Pins that nobody vouches for: found, given time, dropped. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dropLoosePins, loosePins } from "../../../src/content/loose-pins.ts";
import { openOutbox } from "../../../src/content/outbox.ts";
import { makeCacheDir } from "../../support/cache-dir.ts";
import { recordOf, uploadBytes, uploadName } from "../../support/outbox-files.ts";
import { watchedParts } from "../../support/watched-parts.ts";

test("what a dead worker has pinned goes, unless it is vouched for in time or was pinned since", () => {
  using files = makeCacheDir();
  const { cache } = files;
  const { log, lines } = watchedParts();
  const outbox = openOutbox({ dir: join(files.dir, ".mir/outbox"), log });
  const publish = (n: number): void => {
    const record = recordOf(n);
    const reservation = cache.reserve(record.bytes);
    if (reservation === undefined) throw new Error("no room");
    const temp = cache.tempPath(record.relname);
    writeFileSync(temp, uploadBytes(n));
    cache.publish(reservation, temp, record, { pinned: true });
  };
  for (const n of [1, 2, 3, 4]) publish(n);
  outbox.add(recordOf(1));
  outbox.add(recordOf(2));
  outbox.setAside(uploadName(2));

  const before = loosePins({ outbox, cache });
  expect([...before].toSorted()).toEqual([uploadName(3), uploadName(4)]);
  outbox.add(recordOf(4));
  publish(5);
  expect(dropLoosePins({ outbox, cache, log }, before)).toBe(1);
  expect(cache.peek(uploadName(3))).toBeUndefined();
  expect(cache.pinned().toSorted()).toEqual([1, 2, 4, 5].map(uploadName));
  expect(lines.join("")).toContain("outbox.loose_pins");
  expect(dropLoosePins({ outbox, cache, log }, before)).toBe(0);
});
