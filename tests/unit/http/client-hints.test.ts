/** What a browser says of its screen, where the site asks for it. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { HIT, type Served } from "../../../src/content/served.ts";
import { hintedBox } from "../../../src/http/client-hints.ts";
import { makePictureSite, metaOf, patternOf, TOPOLOGY } from "../../support/picture-site.ts";

const BOX = { width: 200, height: 150 };
const hinted = (headers: Record<string, string>, box = BOX): string => {
  const { width, height } = hintedBox(box, new Headers(headers));
  return `${width}x${height}`;
};

describe("a box on the client's screen", () => {
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ["without a hint is itself", {}, "200x150"],
    ["is multiplied by DPR", { DPR: "2" }, "400x300"],
    ["also by a broken one", { DPR: "1.5" }, "300x225"],
    ["is never made smaller by it", { DPR: "0.5" }, "200x150"],
    [`is multiplied by ${LIMITS.hintDprMax} at most`, { DPR: "90" }, "800x600"],
    ["is as wide as Width says, which counts for more", { DPR: "3", Width: "500" }, "500x375"],
    ["may be smaller by Width", { Width: "100" }, "100x75"],
    ["has sides within the longest", { Width: "99999" }, "8192x8192"],
    ["and at least one pixel", { Width: "0.001" }, "1x1"],
    ["goes by the names of today first", { DPR: "3", "Sec-CH-DPR": "2" }, "400x300"],
    ["of which Width counts for more too", { DPR: "3", "Sec-CH-Width": "400" }, "400x300"],
    ["is itself with a hint that is no number", { DPR: "2, 3", Width: "-5" }, "200x150"],
    ["or is none", { DPR: "0", Width: "1e3" }, "200x150"],
  ];
  for (const [name, headers, expected] of cases) {
    test(name, () => {
      expect(hinted(headers)).toBe(expected);
    });
  }
});

describe("a site", () => {
  const served: Served = {
    kind: "bytes",
    meta: metaOf(9),
    outcome: HIT,
    bytes: patternOf(9),
  };
  const siteWith = (clientHints: boolean) => {
    const http = { ...TOPOLOGY.http, clientHints };
    return makePictureSite(() => served, { topology: { ...TOPOLOGY, http } });
  };
  const get = async (site: ReturnType<typeof siteWith>, path: string, method = "GET") => {
    const headers = { DPR: "2", accept: "image/webp" };
    const answer = await site.handler(new Request(`http://m${path}`, { headers, method }));
    return { vary: answer.headers.get("vary"), asks: answer.headers.get("accept-ch"), answer };
  };

  test("that does not ask for hints reads none, and nothing varies", async () => {
    const site = siteWith(false);
    const { vary, asks } = await get(site, "/puddle/viral123/200x150/a.jpg");
    expect({ vary, asks, size: site.asked[0]?.size }).toEqual({
      vary: null,
      asks: null,
      size: "sm",
    });
  });

  test("that does answers boxes by them, and caches are told so", async () => {
    const site = siteWith(true);
    for (const method of ["GET", "HEAD"]) {
      const { vary, asks } = await get(site, "/puddle/viral123/200x150/a.jpg", method);
      expect(site.asked.at(-1)?.size).toBe("md");
      expect(vary).toBe("Sec-CH-DPR, Sec-CH-Width, DPR, Width");
      expect(asks).toBe("Sec-CH-DPR, Sec-CH-Width, DPR, Width");
    }
    const { vary } = await get(site, "/puddle/viral123/200x150/a.auto");
    expect(vary).toBe("Accept, Sec-CH-DPR, Sec-CH-Width, DPR, Width");
  });

  test("still means a class where it says one", async () => {
    const site = siteWith(true);
    const { vary, asks } = await get(site, "/puddle/viral123/sm/a.jpg");
    expect(site.asked[0]?.size).toBe("sm");
    expect({ vary, asks }).toEqual({ vary: null, asks: "Sec-CH-DPR, Sec-CH-Width, DPR, Width" });
  });

  test("does not change the headers that are kept ready for others", async () => {
    const site = siteWith(true);
    await get(site, "/puddle/viral123/200x150/a.jpg");
    const { vary } = await get(site, "/puddle/viral123/sm/a.jpg");
    expect(vary).toBeNull();
  });
});
