/** Whatever is asked, the answer from memory is the one from disk, byte for byte and header for header. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { asking, ID, makeRamSite, pathOf, type RamSite } from "../../support/ram-site.ts";

const BYTES = 5000;
const AUTO = pathOf(ID, "md", "auto");
let site: RamSite;
let etag = "";
let modified = "";

beforeAll(async () => {
  site = makeRamSite();
  site.put({}, BYTES);
  site.put({ ext: "webp" }, BYTES - 1000, 1);
  await site.heat(pathOf());
  await site.heat(AUTO);
  await site.heat(AUTO, { accept: "image/webp" });
  const { headers } = await site.plain(asking(pathOf()));
  etag = headers.get("etag") ?? "";
  modified = headers.get("last-modified") ?? "";
});
afterAll(() => site[Symbol.dispose]());

async function told(answer: Response | Promise<Response>): Promise<object> {
  const { status, headers } = await answer;
  const all = Object.fromEntries(headers);
  // HEAD and errors carry the second they were made in
  delete all["date"];
  return {
    status,
    headers: all,
    bytes: Buffer.from(await (await answer).bytes()).toString("base64"),
  };
}

async function expectSame(path: string, init: RequestInit): Promise<void> {
  const before = site.node.watched.count("ram_hit");
  const ours = await told(site.handler(asking(path, init)));
  expect(site.node.watched.count("ram_hit")).toBe(before + 1);
  expect(ours).toEqual(await told(site.plain(asking(path, init))));
}

const offset = fc.oneof(fc.integer({ min: 0, max: BYTES + 10 }), fc.constant(""));
const range = fc.oneof(
  fc.tuple(offset, offset).map(([from, to]) => `bytes=${from}-${to}`),
  fc.constantFrom("bytes=0-0,5-9", "pages=1-2", "bytes=x-1", "bytes=-0", "BYTES=0-1", ""),
);
const dates = fc.constantFrom(
  "Thu, 01 Jan 2026 00:00:00 GMT",
  "Thu, 01 Jan 2015 00:00:00 GMT",
  "no date",
);
/** Our own validators stand for themselves: they are known when the site is up. */
const OWN_ETAG = "own-etag";
const OWN_DATE = "own-date";
const tags = fc.constantFrom(OWN_ETAG, `W/${OWN_ETAG}`, `"x", ${OWN_ETAG}`, '"x"', "*", "x");
const headers = fc.record(
  {
    range,
    "if-none-match": tags,
    "if-modified-since": fc.oneof(dates, fc.constant(OWN_DATE)),
    "if-range": fc.oneof(tags, dates, fc.constant(OWN_DATE)),
    accept: fc.constantFrom("image/webp", "image/webp;q=0", "*/*", "image/avif;q=0.1,image/webp"),
  },
  { requiredKeys: [] },
);

function written(wanted: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value = ""]) => [
      name,
      value.replace(OWN_ETAG, etag).replace(OWN_DATE, modified),
    ]),
  );
}

test("for random conditions, ranges and methods", async () => {
  const method = fc.constantFrom("GET", "HEAD");
  await fc.assert(
    fc.asyncProperty(method, headers, async (how, wanted) => {
      const { accept: _, ...rest } = wanted;
      await expectSame(pathOf(), { method: how, headers: written(rest) });
    }),
    { numRuns: 300 },
  );
});

test("for random wishes of format", async () => {
  const accepted = headers.filter(({ accept }) => !accept?.includes("avif"));
  await fc.assert(
    fc.asyncProperty(accepted, (wanted) => expectSame(AUTO, { headers: written(wanted) })),
    { numRuns: 200 },
  );
});

for (const [what, status, wanted] of [
  ["whole", 200, {}],
  ["in part", 206, { range: "bytes=10-19" }],
  ["in part for the same bytes", 206, { range: "bytes=10-19", "if-range": OWN_ETAG }],
  ["whole for other bytes", 200, { range: "bytes=10-19", "if-range": '"x"' }],
  ["past the end", 416, { range: "bytes=5000-" }],
  ["not modified", 304, { "if-none-match": OWN_ETAG }],
  ["not modified since", 304, { "if-modified-since": OWN_DATE }],
] as const) {
  test(`for one that is ${what}`, async () => {
    const init = { headers: written(wanted) };
    await expectSame(pathOf(), init);
    expect((await site.handler(asking(pathOf(), init))).status).toBe(status);
  });
}
