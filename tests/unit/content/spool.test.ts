/** Files from outside: bounded, paid for as they grow, gone unless they were published. */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { asFault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { openSpool } from "../../../src/content/spool.ts";
import { SNIFF_BYTES } from "../../../src/image/sniff.ts";
import { type CacheDir, makeCacheDir } from "../../support/cache-dir.ts";

const open: CacheDir[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

function cacheDir(capacityBytes = 8 << 20): CacheDir {
  const files = makeCacheDir({ capacityBytes });
  open.push(files);
  return files;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return "done";
  } catch (error) {
    return asFault(error).code;
  }
}

const temps = ({ dir }: CacheDir): string[] => readdirSync(join(dir, ".mir/tmp"));

describe("a spool", () => {
  test("knows its length, digests and first bytes when it is whole", () => {
    const { cache } = cacheDir();
    using spool = openSpool(cache, { bytesMax: 1 << 20 });
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
    for (let at = 0; at < content.length; at += 777) spool.write(content.subarray(at, at + 777));
    const file = spool.finish();
    expect(Buffer.compare(readFileSync(file.path), content)).toBe(0);
    expect(file).toMatchObject({
      bytes: content.length,
      sha256: new Bun.CryptoHasher("sha256").update(content).digest("hex"),
      xxh64: Bun.hash.xxHash64(content).toString(16).padStart(16, "0"),
    });
    expect(Buffer.compare(file.head, content.subarray(0, SNIFF_BYTES))).toBe(0);
  });

  test("takes its limit and not a byte more", () => {
    const files = cacheDir();
    {
      using spool = openSpool(files.cache, { bytesMax: 10_000 });
      spool.write(new Uint8Array(10_000));
      expect(codeOf(() => spool.write(new Uint8Array(1)))).toBe("upload_too_large");
    }
    expect(codeOf(() => openSpool(files.cache, { bytesMax: 10, bytes: 11 }))).toBe(
      "upload_too_large",
    );
    expect(temps(files)).toEqual([]);
    expect(files.cache.usage().reservedBytes).toBe(0);
  });

  test("takes room in steps, never more than its limit, and gives all of it back", () => {
    const files = cacheDir();
    {
      using spool = openSpool(files.cache, { bytesMax: 4 << 20 });
      spool.write(new Uint8Array(10));
      const first = files.cache.usage().reservedBytes;
      spool.write(new Uint8Array(LIMITS.uploadRoomStepBytes / 2));
      expect(files.cache.usage().reservedBytes).toBe(first);
      spool.write(new Uint8Array(LIMITS.uploadRoomStepBytes));
      expect(files.cache.usage().reservedBytes).toBeGreaterThan(first);
      expect(files.cache.usage().reservedBytes).toBeLessThan((4 << 20) + 16_384);
    }
    expect(files.cache.usage().reservedBytes).toBe(0);
    expect(temps(files)).toEqual([]);
  });

  test("is refused where there is no room", () => {
    const files = cacheDir(2 << 20);
    expect(codeOf(() => openSpool(files.cache, { bytesMax: 9e9, bytes: 3 << 20 }))).toBe(
      "disk_full",
    );
    using spool = openSpool(files.cache, { bytesMax: 9e9 });
    const fill = (): void => {
      for (let i = 0; i < 30; i++) spool.write(new Uint8Array(100_000));
    };
    expect(codeOf(fill)).toBe("disk_full");
  });

  test("that was published is not touched any more", () => {
    const { cache } = cacheDir();
    const relname = "ab/cd/ef/orig/abcdef.jpg";
    {
      using spool = openSpool(cache, { bytesMax: 100 });
      spool.write(Buffer.from("hello"));
      const { reservation, path, xxh64: validator } = spool.finish();
      const facts = { width: 1, height: 1, alpha: false, animated: false };
      const meta = { relname, bytes: 5, validator, modified: 1, facts, lossySteps: 0 };
      expect(cache.publish(reservation, path, meta)).toBe("published");
    }
    expect(existsSync(cache.pathOf(relname))).toBe(true);
  });
});
