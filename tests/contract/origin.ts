/** What every kind of origin store does alike (spec §11 "Origin"); run by each of them. */

import { describe, expect, test } from "bun:test";
import type { Origin } from "../../src/origin/origin.ts";
import { codeOf, readAll } from "../support/bodies.ts";
import { type WatchedParts, watchedParts } from "../support/watched-parts.ts";

export interface StoreUnderTest extends AsyncDisposable {
  /** Puts bytes under a path in the store, or replaces them. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  open(parts: WatchedParts): Origin;
  /** It keeps what came of a PUT that was cut, which no real store does. */
  readonly keepsCutPuts?: true;
}

const ID = "viral123";
const RELNAME = "vi/ra/l1/orig/viral123";
const DEADLINE = { deadlineMs: 10_000 };
/** The store and what is watched of it. */
type Bench = {
  readonly store: StoreUnderTest;
  readonly origin: Origin;
  readonly parts: WatchedParts;
};

export function originContract(kind: string, start: () => Promise<StoreUnderTest>): void {
  const withStore = (name: string, run: (bench: Bench) => Promise<void>): void => {
    test(name, async () => {
      await using store = await start();
      const parts = watchedParts();
      await run({ store, parts, origin: store.open(parts) });
    });
  };
  describe(`an origin that is ${kind}`, () => {
    describe("finds the original", () => namesContract(withStore));
    describe("gives the bytes", () => bodiesContract(withStore));
    describe("mints a validator", () => validatorContract(withStore));
    describe("removes an original", () => removalContract(withStore));
  });
}

type WithStore = (name: string, run: (bench: Bench) => Promise<void>) => void;

function removalContract(withStore: WithStore): void {
  withStore("under every name it has, and nothing of another id", async (b) => {
    const others = ["viral1234.jpg", "vi/ra/l1/orig/viral12.jpg"];
    const mine = [`${RELNAME}.jpg`, `${RELNAME}.heic`, `${ID}.png`, `${ID}.jpeg`];
    for (const path of [...mine, ...others]) await b.store.put(path, bytesOf(path));
    expect(await b.origin.remove(ID, DEADLINE)).toBe(mine.length);
    expect(await codeOf(b.origin.open(ID, DEADLINE))).toBe("not_found");
    expect(await codeOf(b.origin.open(ID, { ...DEADLINE, ext: "heic" }))).toBe("not_found");
    expect(await textOf(await b.origin.open("viral1234", DEADLINE))).toBe("viral1234.jpg");
  });

  withStore("that is not there without complaint", async (b) => {
    await b.store.put("viral1234.jpg", bytesOf("another"));
    expect(await b.origin.remove(ID, DEADLINE)).toBe(0);
  });
}

function namesContract(withStore: WithStore): void {
  withStore("at its relname in size orig, with one probe when the ext is known", async (b) => {
    await b.store.put(`${RELNAME}.png`, bytesOf("png"));
    const found = await b.origin.open(ID, { ...DEADLINE, ext: "png" });
    expect(found.ext).toBe("png");
    expect(b.parts.count("origin_probe")).toBe(1);
    expect(await textOf(found)).toBe("png");
  });

  withStore("flat when it is not at its relname", async (b) => {
    await b.store.put(`${ID}.png`, bytesOf("flat"));
    expect(await textOf(await b.origin.open(ID, { ...DEADLINE, ext: "png" }))).toBe("flat");
    expect(b.parts.count("origin_probe")).toBe(2);
  });

  withStore("at the relname rather than flat", async (b) => {
    await b.store.put(`${ID}.jpg`, bytesOf("flat"));
    await b.store.put(`${RELNAME}.avif`, bytesOf("relname"));
    expect(await textOf(await b.origin.open(ID, DEADLINE))).toBe("relname");
  });

  withStore(
    "under each known ext in the order jpg png webp gif avif when none is given",
    async (b) => {
      for (const ext of ["avif", "gif", "webp", "png", "jpg"]) {
        await b.store.put(`${ID}.${ext}`, bytesOf(ext));
        expect((await b.origin.open(ID, DEADLINE)).ext).toBe(ext);
      }
    },
  );

  withStore("under jpeg, which is another spelling of jpg", async (b) => {
    await b.store.put(`${ID}.jpeg`, bytesOf("jpeg"));
    for (const ext of [undefined, "jpg", "jpeg", "JPG"]) {
      const found = await b.origin.open(ID, { ...DEADLINE, ...(ext === undefined ? {} : { ext }) });
      expect(found.ext).toBe("jpg");
    }
  });

  withStore(
    "under the known ones when the ext given is none that an original carries",
    async (b) => {
      await b.store.put(`${ID}.jpg`, bytesOf("jpg"));
      expect((await b.origin.open(ID, { ...DEADLINE, ext: "../../x" })).ext).toBe("jpg");
    },
  );

  withStore("under the given ext only, when one is given", async (b) => {
    await b.store.put(`${ID}.png`, bytesOf("png"));
    expect(await codeOf(b.origin.open(ID, { ...DEADLINE, ext: "jpg" }))).toBe("not_found");
  });

  withStore("under a web id that is no content id, flat", async (b) => {
    await b.store.put("my.cat~1.jpg", bytesOf("cat"));
    const id = `web-${Buffer.from("my.cat~1").toString("base64url")}`;
    expect(await textOf(await b.origin.open(id, DEADLINE))).toBe("cat");
  });

  withStore("or says not_found, once every name has been tried", async (b) => {
    await b.store.put("other123.jpg", bytesOf("other"));
    expect(await codeOf(b.origin.open(ID, DEADLINE))).toBe("not_found");
    expect(b.parts.count("origin_get")).toBe(0);
    expect(b.parts.count("origin_error")).toBe(0);
  });

  withStore("and asks the store for nothing when the id is no content id", async (b) => {
    for (const id of [
      "",
      "short",
      "../../etc/passwd",
      "vira/123",
      "viral123.jpg",
      "x".repeat(97),
    ]) {
      expect(await codeOf(b.origin.open(id, DEADLINE))).toBe("not_found");
    }
    expect(b.parts.count("origin_probe")).toBe(0);
  });

  withStore("as soon as it is there: nothing is remembered of earlier lookups", async (b) => {
    expect(await codeOf(b.origin.open(ID, DEADLINE))).toBe("not_found");
    await b.store.put(`${RELNAME}.jpg`, bytesOf("new"));
    expect(await textOf(await b.origin.open(ID, DEADLINE))).toBe("new");
    await b.store.remove(`${RELNAME}.jpg`);
    expect(await codeOf(b.origin.open(ID, DEADLINE))).toBe("not_found");
  });

  withStore("in no time at all: too_slow", async (b) => {
    await b.store.put(`${ID}.jpg`, bytesOf("late"));
    expect(await codeOf(b.origin.open(ID, { deadlineMs: 0 }))).toBe("too_slow");
  });
}

function bodiesContract(withStore: WithStore): void {
  for (const bytes of [0, 1, 64 * 1024, 1_000_003]) {
    withStore(`exactly, ${bytes} of them`, async (b) => {
      const sent = pattern(bytes);
      await b.store.put(`${ID}.jpg`, sent);
      const { body, bytes: announced } = await b.origin.open(ID, { ...DEADLINE, ext: "jpg" });
      expect(announced).toBe(bytes);
      expect(Buffer.compare(await readAll(body), sent)).toBe(0);
      expect(await body.read()).toBeUndefined();
    });
  }

  withStore("only once they are asked for, and counts one GET then", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(700_000));
    const { body } = await b.origin.open(ID, DEADLINE);
    expect(b.parts.count("origin_get")).toBe(0);
    await readAll(body);
    expect(b.parts.count("origin_get")).toBe(1);
  });

  withStore("to many readers at once, each its own", async (b) => {
    const ids = Array.from({ length: 12 }, (_, i) => `picture-${i}`);
    for (const [i, id] of ids.entries()) await b.store.put(`${id}.jpg`, pattern(300_000 + i));
    const read = ids.map(async (id) => readAll((await b.origin.open(id, DEADLINE)).body));
    for (const [i, bytes] of (await Promise.all(read)).entries()) {
      expect(Buffer.compare(bytes, pattern(300_000 + i))).toBe(0);
    }
  });

  withStore(
    "until they are cancelled: before the first, in the middle, twice, after the end",
    async (b) => {
      await b.store.put(`${ID}.jpg`, pattern(3_000_000));
      const unread = (await b.origin.open(ID, DEADLINE)).body;
      unread.cancel();
      expect(await codeOf(unread.read())).toBe("bad_origin");

      const middle = (await b.origin.open(ID, DEADLINE)).body;
      await middle.read();
      middle.cancel();
      middle.cancel();
      expect(await codeOf(middle.read())).toBe("bad_origin");

      const ended = (await b.origin.open(ID, DEADLINE)).body;
      await readAll(ended);
      ended.cancel();
      expect(await ended.read()).toBeUndefined();
    },
  );

  withStore("or a fault to the read that a cancel overtakes", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(3_000_000));
    const { body } = await b.origin.open(ID, DEADLINE);
    const reading = codeOf(body.read());
    body.cancel();
    expect(await reading).toBe("bad_origin");
    expect((await b.origin.open(ID, DEADLINE)).bytes).toBe(3_000_000);
  });

  withStore("or a fault when the picture was replaced or removed since it was found", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(100_000));
    const replaced = await b.origin.open(ID, DEADLINE);
    const removed = await b.origin.open(ID, DEADLINE);
    await b.store.put(`${ID}.jpg`, pattern(100_000, 7));
    expect(await codeOf(readAll(replaced.body))).toBe("bad_origin");
    await b.store.remove(`${ID}.jpg`);
    expect(await codeOf(readAll(removed.body))).toBe("bad_origin");
    expect(b.parts.count("origin_error")).toBe(2);
  });
}

function validatorContract(withStore: WithStore): void {
  withStore("of 16 hex digits that stays the same while the bytes do", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(1000));
    const first = await b.origin.open(ID, DEADLINE);
    const second = await b.store.open(watchedParts()).open(ID, DEADLINE);
    expect(first.validator).toMatch(/^[0-9a-f]{16}$/);
    expect(second.validator).toBe(first.validator);
  });

  withStore("that differs when the bytes do", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(1000));
    const { validator } = await b.origin.open(ID, DEADLINE);
    await b.store.put(`${ID}.jpg`, pattern(1000, 1));
    expect((await b.origin.open(ID, DEADLINE)).validator).not.toBe(validator);
  });

  withStore("and gives the time of the last change in Unix seconds", async (b) => {
    await b.store.put(`${ID}.jpg`, pattern(1));
    const { modified } = await b.origin.open(ID, DEADLINE);
    expect(Number.isInteger(modified)).toBe(true);
    expect(new Date(modified * 1000).getUTCFullYear()).toBeGreaterThan(2020);
  });
}

/** Bytes of which none is like its neighbours, so that a chunk in the wrong place shows. */
export function pattern(bytes: number, seed = 0): Uint8Array {
  const made = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) made[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff;
  return made;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function textOf(found: { readonly body: Parameters<typeof readAll>[0] }): Promise<string> {
  return new TextDecoder().decode(await readAll(found.body));
}
