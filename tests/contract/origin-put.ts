/** What every kind of origin store does with a file that is put into it; run by each of them. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { Origin } from "../../src/origin/origin.ts";
import { codeOf, readAll } from "../support/bodies.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { type WatchedParts, watchedParts } from "../support/watched-parts.ts";
import { pattern, type StoreUnderTest } from "./origin.ts";

const ID = "upload42";
const RELNAME = "up/lo/ad/orig/upload42.jpg";

type PutOptions = Parameters<Origin["put"]>[1];

interface Bench {
  readonly store: StoreUnderTest;
  readonly origin: Origin;
  readonly parts: WatchedParts;
  readonly dir: TempDir;
  /** Puts these bytes from a file. */
  put(bytes: Uint8Array, more?: Partial<PutOptions>, id?: string): ReturnType<Origin["put"]>;
  stored(): Promise<Uint8Array>;
}

export function originPutContract(kind: string, start: () => Promise<StoreUnderTest>): void {
  const withStore = (name: string, run: (bench: Bench) => Promise<void>): void => {
    test(name, async () => {
      await using store = await start();
      using dir = makeTempDir();
      const parts = watchedParts();
      const origin = store.open(parts);
      const put: Bench["put"] = (bytes, more, id = ID) => {
        const path = dir.write("upload", bytes);
        return origin.put(id, {
          ext: "jpg",
          path,
          bytes: bytes.length,
          deadlineMs: 20_000,
          ...more,
        });
      };
      const stored = async (): Promise<Uint8Array> => {
        const found = await origin.open(ID, { ext: "jpg", deadlineMs: 10_000 });
        return readAll(found.body);
      };
      await run({ store, parts, origin, dir, put, stored });
    });
  };
  describe(`an origin that is ${kind}`, () => {
    describe("stores a file", () => storesContract(withStore));
    describe("never replaces", () => conflictContract(withStore));
    describe("put unchecked hides nothing", () => hidingContract(withStore));
    describe("refuses a file", () => refusesContract(withStore));
  });
}

type WithStore = (name: string, run: (bench: Bench) => Promise<void>) => void;

function storesContract(withStore: WithStore): void {
  for (const bytes of [0, 1, 65_536, 3_000_017]) {
    withStore(`of ${bytes} bytes, exactly, at its relname in size orig`, async (b) => {
      const sent = pattern(bytes);
      expect(await b.put(sent, { sha256: sha256Of(sent) })).toBe("stored");
      expect(Buffer.compare(await b.stored(), sent)).toBe(0);
      expect(b.parts.count("origin_put")).toBe(1);
      expect(b.parts.count("origin_error")).toBe(0);
    });
  }

  withStore("under the ext it is given", async (b) => {
    expect(await b.put(pattern(10), { ext: "webp" })).toBe("stored");
    expect((await b.origin.open(ID, { deadlineMs: 10_000, ext: "webp" })).bytes).toBe(10);
  });

  withStore("beside many others at once, each its own", async (b) => {
    const ids = Array.from({ length: 12 }, (_, i) => `picture-${i}`);
    const puts = ids.map((id, i) => {
      const path = b.dir.write(id, pattern(200_000, i));
      return b.origin.put(id, { ext: "jpg", path, bytes: 200_000, deadlineMs: 20_000 });
    });
    expect(new Set(await Promise.all(puts))).toEqual(new Set(["stored"]));
    for (const [i, id] of ids.entries()) {
      const { body } = await b.origin.open(id, { ext: "jpg", deadlineMs: 10_000 });
      expect(Buffer.compare(await readAll(body), pattern(200_000, i))).toBe(0);
    }
  });

  withStore("that is there with the same bytes already, by saying so", async (b) => {
    expect(await b.put(pattern(100_000))).toBe("stored");
    expect(await b.put(pattern(100_000))).toBe("already");
    expect(b.parts.count("origin_put")).toBe(1);
    await b.store.put(RELNAME.replace("upload42", "upload43"), pattern(10));
    expect(await b.put(pattern(10), {}, "upload43")).toBe("already");
  });

  withStore("that is there under another name already, without a second copy", async (b) => {
    await b.store.put("upload42.jpeg", pattern(1000));
    expect(await b.put(pattern(1000), { unchecked: true })).toBe("already");
    expect(b.parts.count("origin_put")).toBe(0);
  });
}

function conflictContract(withStore: WithStore): void {
  withStore("what is there, of another length or of the same", async (b) => {
    await b.store.put(RELNAME, pattern(1000));
    for (const other of [pattern(999), pattern(1001), pattern(1000, 1)]) {
      expect(await codeOf(b.put(other))).toBe("conflict");
    }
    expect(Buffer.compare(await b.stored(), pattern(1000))).toBe(0);
    expect(b.parts.count("origin_put")).toBe(0);
    expect(b.parts.count("origin_error")).toBe(0);
  });

  withStore(
    "anything however often it is tried: conflicts are not the store's failing",
    async (b) => {
      await b.store.put(RELNAME, pattern(1000));
      for (let n = 0; n < 20; n++) expect(await codeOf(b.put(pattern(7)))).toBe("conflict");
    },
  );
}

function hidingContract(withStore: WithStore): void {
  for (const there of ["up/lo/ad/orig/upload42.png", "upload42.jpg", "upload42.gif"]) {
    withStore(`at ${there}, which a jpg at the relname would hide`, async (b) => {
      await b.store.put(there, pattern(1000));
      expect(await codeOf(b.put(pattern(1000, 1), { unchecked: true }))).toBe("conflict");
      const found = await b.origin.open(ID, { deadlineMs: 10_000 });
      expect(Buffer.compare(await readAll(found.body), pattern(1000))).toBe(0);
      expect(b.parts.count("origin_error")).toBe(0);
    });
  }

  withStore("but asks for no other name where the id is known to be free", async (b) => {
    expect(await b.put(pattern(1000))).toBe("stored");
    expect(b.parts.count("origin_probe")).toBe(2);
  });
}

function refusesContract(withStore: WithStore): void {
  withStore("that is gone, shorter, longer or other than was announced", async (b) => {
    const bytes = pattern(1000);
    expect(await codeOf(b.put(bytes, { path: `${b.dir.path}/gone` }))).toBe("bad_digest");
    expect(await codeOf(b.put(bytes, { path: b.dir.path }))).toBe("bad_digest");
    expect(await codeOf(b.put(bytes, { bytes: 999 }))).toBe("bad_digest");
    expect(await codeOf(b.put(bytes, { bytes: 1001 }))).toBe("bad_digest");
    expect(await codeOf(b.put(bytes, { sha256: sha256Of(pattern(1000, 1)) }))).toBe("bad_digest");
    expect(b.parts.count("origin_probe")).toBe(0);
  });

  withStore("for a name that is none of an original", async (b) => {
    expect(await codeOf(b.put(pattern(1), {}, "../../etc/passwd"))).toBe("bad_request");
    expect(await codeOf(b.put(pattern(1), {}, "short"))).toBe("bad_request");
    expect(await codeOf(b.put(pattern(1), { ext: "exe" }))).toBe("bad_request");
    expect(await codeOf(b.put(pattern(1), { ext: "JPG" }))).toBe("bad_request");
  });

  withStore("in no time at all: too_slow, and nothing is stored", async (b) => {
    expect(await codeOf(b.put(pattern(1000), { deadlineMs: 0 }))).toBe("too_slow");
    expect(await codeOf(b.stored())).toBe("not_found");
  });

  withStore("that changes after it was checked: nothing of it is stored", async (b) => {
    const put = codeOf(b.put(pattern(8_000_000)));
    await until(() => b.parts.count("origin_probe") === 1);
    writeFileSync(`${b.dir.path}/upload`, pattern(8_000_000, 9));
    expect(await put).toBe("bad_origin");
    if (b.store.keepsCutPuts) expect((await b.stored()).length).toBeLessThan(8_000_000);
    else expect(await codeOf(b.stored())).toBe("not_found");
  });
}

function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
