/** Sending a client on to the owner of a picture. */

import { describe, expect, test } from "bun:test";
import { makePictureSite, PICTURE_PATH } from "../../support/picture-site.ts";

const TARGET = { scheme: "https", host: "edge2.cdn.example.com", port: 443 } as const;
type Target = Readonly<{ scheme: "http" | "https"; host: string; port: number }>;

function ask(options: { target?: Target; path?: string; method?: string; allowOrigin?: string }) {
  const { target = TARGET, path = PICTURE_PATH, method = "GET" } = options;
  const site = makePictureSite(() => ({ kind: "elsewhere", target }));
  const request = new Request(`http://mir.example${path}`, { method });
  return { site, answer: Promise.resolve(site.handler(request)) };
}

describe("a client is sent on", () => {
  test("with 307, which nobody keeps and scripts may follow", async () => {
    const { headers, status, body } = await ask({}).answer;
    expect(status).toBe(307);
    expect(headers.get("location")).toBe(
      `https://edge2.cdn.example.com${PICTURE_PATH}?mir-redirect=1`,
    );
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("timing-allow-origin")).toBe("*");
    expect(body).toBeNull();
  });

  test.each<[Target, string]>([
    [{ scheme: "http", host: "a.example", port: 80 }, "http://a.example/"],
    [{ scheme: "http", host: "a.example", port: 444 }, "http://a.example:444/"],
    [{ scheme: "https", host: "a.example", port: 444 }, "https://a.example:444/"],
    [{ scheme: "http", host: "a.example", port: 443 }, "http://a.example:443/"],
    [{ scheme: "https", host: "::1", port: 443 }, "https://[::1]/"],
    [{ scheme: "http", host: "::1", port: 81 }, "http://[::1]:81/"],
  ])("to %j as %s", async (target, start) => {
    const location = (await ask({ target }).answer).headers.get("location") ?? "";
    expect(location.startsWith(start)).toBe(true);
  });

  test("to the path as it was asked for, escapes and all, and with its query", async () => {
    const path = "/puddle/a.b/md/caf%C3%A9%20%22x.jpg";
    const { headers } = await ask({ path: `${path}?utm=1&x=%0d%0aSet-Cookie:a` }).answer;
    expect(new URL(headers.get("location") ?? "").pathname).toBe(path);
    expect(new URL(headers.get("location") ?? "").search).toBe(
      "?utm=1&x=%0d%0aSet-Cookie:a&mir-redirect=1",
    );
    expect(headers.has("set-cookie")).toBe(false);
  });

  test("for HEAD too, with the Date that the runtime leaves out there", async () => {
    const { status, headers } = await ask({ method: "HEAD" }).answer;
    expect(status).toBe(307);
    expect(headers.has("date")).toBe(true);
  });
});

describe("whether a client was sent here", () => {
  test.each([
    ["", false],
    ["?", false],
    ["?mir-redirect=1", true],
    ["?a=b&mir-redirect=1", true],
    ["?mir-redirect=11", false],
    ["?x-mir-redirect=1", false],
  ])("is told by the query %j: %p", async (query, redirected) => {
    const { site, answer } = ask({ path: `${PICTURE_PATH}${query}` });
    await answer;
    expect(site.asked[0]?.redirected).toBe(redirected);
  });
});
