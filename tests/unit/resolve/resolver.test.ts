/** What web ids stand for: as they are, and by asking an API over real sockets. */

import { describe, expect, test } from "bun:test";
import { BREAKER } from "../../../src/base/breaker.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { FAULTS } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  makeApiResolver,
  makeEmbeddedResolver,
  type Resolution,
  type Resolver,
  STALE_STANDS_MS,
} from "../../../src/resolve/resolver.ts";
import { codeOf, faultOf } from "../../support/bodies.ts";
import { type FaultyApi, startFaultyApi } from "../../support/faulty-api.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "../../support/until.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

const known = (id: string, ext?: "jpg"): Resolution => ({ kind: "known", id, ext });
const down = (): Response => new Response("oops", { status: 500 });

describe("without an API", () => {
  test("a web id is its content id, or the escape of one", async () => {
    const resolver = makeEmbeddedResolver();
    expect(await resolver.resolve("viral123")).toEqual(known("viral123"));
    expect(await resolver.resolve("phone")).toEqual(known("web-cGhvbmU"));
  });

  test("a web id that can be none is known not to exist", async () => {
    for (const webId of ["x".repeat(128), "..", "a/b"]) {
      expect(await makeEmbeddedResolver().resolve(webId)).toEqual({ kind: "unknown" });
    }
  });
});

describe("the API", () => {
  test("is asked at {api}/{webId} and answers with a content id and an ext", async () => {
    using api = startFaultyApi();
    api.answer = () => Response.json({ contentId: "content-1", ext: "JPEG", more: "ignored" });
    const { resolver, parts } = open({ url: `${api.url}/` });
    expect(await resolver.resolve("my.cat~1")).toEqual(known("content-1", "jpg"));
    expect(api.asked).toEqual(["/papi/pt/my.cat~1"]);
    expect(parts.count("resolver_request")).toBe(1);
  });

  test("may leave the ext out, or name one that no original carries", async () => {
    using api = startFaultyApi();
    const { resolver } = open(api);
    for (const [i, ext] of [undefined, null, "", "mp4", "../x"].entries()) {
      api.answer = () => Response.json({ contentId: "content-1", ext });
      expect(await resolver.resolve(`web-${i}`)).toEqual(known("content-1"));
    }
  });

  test("says by 404 that there is no such picture, which holds for negativeWebIdMs", async () => {
    using api = startFaultyApi();
    api.answer = () => new Response("no", { status: 404 });
    const { resolver, parts } = open(api);
    expect(await resolver.resolve("cat")).toEqual({ kind: "unknown" });
    expect(await resolver.resolve("cat")).toEqual({ kind: "unknown" });
    expect(api.asked).toHaveLength(1);
    parts.clock.advance(DEADLINES.negativeWebIdMs);
    await resolver.resolve("cat");
    expect(api.asked).toHaveLength(2);
    expect(parts.count("resolver_error")).toBe(0);
  });

  test("is asked once for many who ask at once, and again only after pathFreshMs", async () => {
    using api = startFaultyApi();
    const { resolver, parts } = open(api);
    const all = await Promise.all(Array.from({ length: 1000 }, () => resolver.resolve("cat")));
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1);
    parts.clock.advance(DEADLINES.pathFreshMs - 1);
    await resolver.resolve("cat");
    expect(api.asked).toHaveLength(1);
    parts.clock.advance(1);
    await resolver.resolve("cat");
    expect(api.asked).toHaveLength(2);
  });

  test("is asked again once the web id is forgotten, even while an older lookup is under way", async () => {
    using api = startFaultyApi();
    const { resolver } = open(api);
    const first = Promise.withResolvers<Response>();
    api.answer = () => first.promise;
    const early = resolver.resolve("cat");
    await until(() => api.asked.length === 1);
    resolver.forget("cat");
    api.answer = () => Response.json({ contentId: "content-new" });
    expect(await resolver.resolve("cat")).toEqual(known("content-new"));
    first.resolve(new Response("", { status: 404 }));
    expect(await early).toEqual({ kind: "unknown" });
    expect(await resolver.resolve("cat")).toEqual(known("content-new"));
    expect(api.asked).toHaveLength(2);
  });

  test("is never asked for . and .., which would name another of its paths", async () => {
    using api = startFaultyApi();
    const { resolver } = open(api);
    for (const webId of [".", "..", "a/../b", ""]) {
      expect(await resolver.resolve(webId)).toEqual({ kind: "unknown" });
    }
    expect(api.asked).toEqual([]);
  });

  test("is asked for no more than resolverInFlightMax web ids at once: the rest are shed", async () => {
    using api = startFaultyApi();
    const { resolver } = open(api);
    const gate = Promise.withResolvers<void>();
    api.answer = async () => {
      await gate.promise;
      return Response.json({ contentId: "content-1" });
    };
    const most = LIMITS.resolverInFlightMax;
    const all = Array.from({ length: most }, (_, i) => resolver.resolve(`cat-${i}`));
    const fault = await faultOf(resolver.resolve("one-more"));
    expect([fault.code, fault.retryAfterMs]).toEqual(["overloaded", 1000]);
    gate.resolve();
    await Promise.all(all);
    expect(await resolver.resolve("one-more")).toEqual(known("content-1"));
  });
});

describe("an API that fails is resolver_down, told in the log, when it", () => {
  const cases: Readonly<Record<string, () => Response>> = {
    "answers 500": down,
    "answers 403": () => new Response("", { status: 403 }),
    "answers 410, for only 404 means that there is none": () => new Response("", { status: 410 }),
    "answers 204": () => new Response(null, { status: 204 }),
    redirects: () => Response.redirect("/elsewhere", 302),
    "answers with no JSON": () => new Response("<html>"),
    "answers with nothing": () => new Response(""),
    "answers with JSON that is no object": () => Response.json(["content-1"]),
    "answers without a content id": () => Response.json({ ext: "jpg" }),
    "answers with a content id of another type": () => Response.json({ contentId: 123456 }),
    "answers with a content id that names a path": () => Response.json({ contentId: "../../etc" }),
    "answers with a content id that is too long": () =>
      Response.json({ contentId: "x".repeat(97) }),
    "answers with an ext of another type": () => Response.json({ contentId: "content-1", ext: 1 }),
    "answers with too many bytes": () =>
      Response.json({ contentId: "content-1", pad: "x".repeat(LIMITS.resolverAnswerBytesMax) }),
  };
  for (const [what, answer] of Object.entries(cases)) {
    test(what, async () => {
      using api = startFaultyApi();
      api.answer = answer;
      const { resolver, parts } = open(api);
      const fault = await faultOf(resolver.resolve("cat"));
      expect([fault.code, FAULTS[fault.code].status]).toEqual(["resolver_down", 503]);
      expect(parts.lines.filter((line) => line.includes("resolver_failed"))).toHaveLength(1);
      expect(parts.count("resolver_error")).toBe(1);
      expect(api.asked).toHaveLength(1);
    });
  }

  test("takes its time", async () => {
    using api = startFaultyApi();
    api.answer = () => new Promise<Response>(() => undefined);
    expect(await codeOf(open(api, watchedParts(), 100).resolver.resolve("cat"))).toBe(
      "resolver_down",
    );
  });

  test("stalls in the middle of its answer", async () => {
    using api = startFaultyApi();
    api.answer = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode('{"contentId":')),
        }),
      );
    expect(await codeOf(open(api, watchedParts(), 100).resolver.resolve("cat"))).toBe(
      "resolver_down",
    );
  });

  test("is not there", async () => {
    const { resolver, parts } = open({ url: `http://127.0.0.1:${freePort()}` });
    expect(await codeOf(resolver.resolve("cat"))).toBe("resolver_down");
    expect(parts.lines.join("")).toContain("cannot be reached");
  });
});

describe("while the API is down", () => {
  test("stale answers are given, for which it is asked again after STALE_STANDS_MS", async () => {
    using api = startFaultyApi();
    const { resolver, parts } = open(api);
    const cat = await resolver.resolve("cat");
    parts.clock.advance(DEADLINES.pathFreshMs);
    api.answer = down;
    for (let i = 0; i < 3; i++) expect(await resolver.resolve("cat")).toEqual(cat);
    expect(api.asked).toHaveLength(2);
    parts.clock.advance(STALE_STANDS_MS);
    api.answer = () => Response.json({ contentId: "content-moved" });
    expect(await resolver.resolve("cat")).toEqual(known("content-moved"));
  });

  test("what did not exist is not said to be so still", async () => {
    using api = startFaultyApi();
    api.answer = () => new Response("", { status: 404 });
    const { resolver, parts } = open(api);
    await resolver.resolve("cat");
    parts.clock.advance(DEADLINES.negativeWebIdMs);
    api.answer = down;
    expect(await codeOf(resolver.resolve("cat"))).toBe("resolver_down");
  });

  test("it is left alone after errors in a row, stale answers or not, and tried by one call then", async () => {
    using api = startFaultyApi();
    const { resolver, parts } = open(api);
    const cat = await resolver.resolve("cat");
    parts.clock.advance(DEADLINES.pathFreshMs);
    api.answer = down;
    for (let i = 0; i < BREAKER.errorsMax; i++) {
      expect(await codeOf(resolver.resolve(`dog-${i}`))).toBe("resolver_down");
    }
    const asked = api.asked.length;
    expect(await resolver.resolve("cat")).toEqual(cat);
    const fault = await faultOf(resolver.resolve("dog-0"));
    expect([fault.code, fault.retryAfterMs]).toEqual(["resolver_down", BREAKER.firstMs]);
    expect(api.asked).toHaveLength(asked);

    parts.clock.advance(BREAKER.firstMs);
    api.answer = () => Response.json({ contentId: "content-1" });
    expect(await resolver.resolve("dog-0")).toEqual(known("content-1"));
    expect(parts.lines.filter((line) => /resolver_(left_alone|back)/.test(line))).toHaveLength(2);
  });
});

function open(
  api: Pick<FaultyApi, "url">,
  parts: WatchedParts = watchedParts(),
  waitMs?: number,
): { readonly resolver: Resolver; readonly parts: WatchedParts } {
  const options = { ...parts, api: api.url, ...(waitMs === undefined ? {} : { waitMs }) };
  return { parts, resolver: makeApiResolver(options) };
}
