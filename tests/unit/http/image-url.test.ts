/** The grammar of picture URLs, by example. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { FORMATS } from "../../../src/base/variant.ts";
import { pathOfTarget, type UrlRules } from "../../../src/http/image-url.ts";
import { parse, refusal, SNAP } from "../../support/url-rules.ts";

const sized = (size: string): string => `/puddle/viral123/${size}/photo.jpg`;
const named = (file: string): string => `/puddle/viral123/md/${file}`;

describe("a picture URL", () => {
  test("is prefix, web id, size, filename and ext", () => {
    expect(parse("/puddle/viral123/md/photo.jpg")).toEqual({
      webId: "viral123",
      size: "md",
      filename: "photo",
      format: "jpg",
    });
  });

  test("is read from a bare target and from an absolute one alike", () => {
    const expected = parse(sized("md"));
    expect(parse(`http://host.example:8080${sized("md")}`)).toEqual(expected);
    expect(parse(`http://[::1]:80${sized("md")}`)).toEqual(expected);
    expect(parse(`https://h${sized("md")}`)).toEqual(expected);
    expect(parse(`http://${sized("md")}`)).toEqual(expected);
  });

  test("has a query and a fragment that mean nothing", () => {
    expect(parse(`${sized("md")}?w=5/6/7&x=.png`)).toEqual(parse(sized("md")));
    expect(parse(`${sized("md")}#a?b`)).toEqual(parse(sized("md")));
    expect(pathOfTarget("/a?b#c")).toBe("/a");
    expect(pathOfTarget("/a#b?c")).toBe("/a");
  });

  test("below any other prefix is not found", () => {
    for (const target of [
      "/",
      "",
      "*",
      "http://host",
      "/other/a/b/c.jpg",
      "/Puddle/viral123/md/a.jpg",
    ]) {
      expect([target, refusal(target)]).toEqual([target, "not_found"]);
    }
    expect(refusal("//puddle/viral123/md/a.jpg")).toBe("not_found");
  });

  test("has exactly five segments", () => {
    for (const target of ["/puddle", "/puddle/a", "/puddle/a/md", `${sized("md")}/more`]) {
      expect([target, refusal(target)]).toEqual([target, "bad_url"]);
    }
    expect(refusal("/puddle//md/photo.jpg")).toBe("bad_web_id");
    expect(refusal("/puddle/viral123//photo.jpg")).toBe("bad_size");
  });

  test("is refused beyond its longest", () => {
    const longest = (chars: number): string => {
      const empty = named(".jpg");
      return named(`${"n".repeat(chars - empty.length)}.jpg`);
    };
    expect(refusal(longest(LIMITS.urlCharsMax))).toBe("accepted");
    expect(refusal(longest(LIMITS.urlCharsMax + 1))).toBe("bad_url");
  });
});

describe("the web id", () => {
  test("is 1 to 128 of its characters, after one percent-decoding", () => {
    const of = (webId: string) => parse(`/puddle/${webId}/md/p.jpg`).webId;
    expect(of("a")).toBe("a");
    expect(of("%41%2D%7e.x_")).toBe("A-~.x_");
    expect(of("w".repeat(LIMITS.webIdCharsMax))).toHaveLength(LIMITS.webIdCharsMax);
  });

  test("is decoded once and not twice", () => {
    expect(refusal("/puddle/%2541bc/md/p.jpg")).toBe("bad_web_id");
  });

  test("may not be a folder, a path, a control or anything else", () => {
    const long = "w".repeat(LIMITS.webIdCharsMax + 1);
    for (const webId of [
      ".",
      "..",
      "%2e%2e",
      "a%2fb",
      "a%00b",
      "a b",
      "ä",
      "%C3%A4",
      "a%5Cb",
      "",
      long,
    ]) {
      expect([webId, refusal(`/puddle/${webId}/md/p.jpg`)]).toEqual([webId, "bad_web_id"]);
    }
    expect(refusal("/puddle/../md/p.jpg")).toBe("bad_web_id");
  });

  test("with a broken escape makes a bad URL", () => {
    for (const webId of ["%", "%4", "%zz", "%ff", "a%C3", "%ED%A0%80"]) {
      expect([webId, refusal(`/puddle/${webId}/md/p.jpg`)]).toEqual([webId, "bad_url"]);
    }
  });
});

describe("the size", () => {
  test("is a class of the site, or orig", () => {
    for (const size of ["xs", "sm", "md", "xl", "orig", "%6dd"]) {
      expect(parse(sized(size)).size).toBe(decodeURIComponent(size));
    }
    for (const size of ["lg", "XS", "Orig", "__proto__", "md%00", "md%20"]) {
      expect([size, refusal(sized(size))]).toEqual([size, "bad_size"]);
    }
  });

  test("as a box snaps to the smallest class that holds it", () => {
    const cases = [
      ["1x1", "xs"],
      ["160x160", "xs"],
      ["161x1", "sm"],
      ["160x161", "sm"],
      ["320x240", "sm"],
      ["320x241", "md"],
      ["4096x3072", "xl"],
    ] as const;
    for (const [box, size] of cases) expect([box, parse(sized(box)).size]).toEqual([box, size]);
  });

  test("beyond the largest class snaps to the largest", () => {
    expect(parse(sized("4097x1")).size).toBe("xl");
    expect(parse(sized(`${LIMITS.boxSideMax}x${LIMITS.boxSideMax}`)).size).toBe("xl");
  });

  test("as a box has sides from 1 to 8192 without leading zeros", () => {
    const beyond = LIMITS.boxSideMax + 1;
    for (const box of [
      ...["0x0", "0x1", "1x0", "01x1", "1x01", "99999x99999", "1x", "x1", "1X1", "-1x1", "1.5x2"],
      ...[`${beyond}x1`, `1x${beyond}`, "1x1x1", "0x10x10", "1e3x1", "\u0661x\u0661", "1%200x1"],
    ]) {
      expect([box, refusal(sized(box))]).toEqual([box, "bad_size"]);
    }
  });

  test("under exact is a class or one of the listed boxes", () => {
    const exact: UrlRules = { ...SNAP, policy: "exact" };
    expect(parse(sized("200x200"), exact).size).toBe("200x200");
    expect(parse(sized("md"), exact).size).toBe("md");
    expect(refusal(sized("200x201"), exact)).toBe("bad_size");
    expect(() => parse(sized("200x201"), exact)).toThrow(
      /it has orig, .*md.*, placeholder, 200x200/,
    );
    const exactSizes = Array.from({ length: 20 }, (_, i) => `${i + 1}x9`);
    const many = { ...exact, exactSizes };
    expect(() => parse(sized("200x201"), many)).toThrow(/16x9 and 4 more$/);
    expect(refusal(sized("160x160"), exact)).toBe("bad_size");
  });

  test("under classes is never a box", () => {
    const classes: UrlRules = { ...SNAP, policy: "classes" };
    expect(parse(sized("md"), classes).size).toBe("md");
    expect(refusal(sized("200x200"), classes)).toBe("bad_size");
    expect(refusal(sized("160x160"), classes)).toBe("bad_size");
  });

  test("as a box means nothing where the site has no classes", () => {
    expect(refusal(sized("10x10"), { ...SNAP, sizes: [] })).toBe("bad_size");
  });
});

describe("the last segment", () => {
  test("is split at its last dot", () => {
    expect(parse(named("a.b.c.png"))).toMatchObject({ filename: "a.b.c", format: "png" });
    expect(parse(named("a%2Eb%2Epng"))).toMatchObject({ filename: "a.b", format: "png" });
    expect(parse(named("..gif"))).toMatchObject({ filename: ".", format: "gif" });
  });

  test("names the format in any case, jpeg being jpg", () => {
    for (const format of FORMATS) {
      expect(parse(named(`p.${format.toUpperCase()}`)).format).toBe(format);
    }
    expect(parse(named("p.JpEg")).format).toBe("jpg");
    expect(parse(named("p.Auto")).format).toBe("auto");
  });

  test("with another format is refused", () => {
    for (const ext of [
      "svg",
      "tiff",
      "j",
      "jpgg",
      "",
      "jp g",
      "%00jpg",
      "jpg%00",
      "jpg%20",
      "__proto__",
    ]) {
      expect([ext, refusal(named(`p.${ext}`))]).toEqual([ext, "bad_format"]);
    }
  });

  test("of an original may have any ext of one to five letters", () => {
    const orig = (ext: string) => `/puddle/viral123/orig/p.${ext}`;
    for (const ext of [...FORMATS, "jpeg", "auto", "HEIC", "tiff", "x", "weird"]) {
      expect(parse(orig(ext)).format).toBe("auto");
    }
    for (const ext of ["", "toolong", "mp4", "a%2Fb"]) {
      expect([ext, refusal(orig(ext))]).toEqual([ext, "bad_format"]);
    }
  });

  test("needs a filename and a dot", () => {
    for (const file of ["", ".jpg", "jpg", "%2Ejpg"]) {
      expect([file, refusal(named(file))]).toEqual([file, "bad_url"]);
    }
  });

  test("holds any language, but no separator, control or broken UTF-8", () => {
    expect(parse(named("Stra%C3%9Fe%20%F0%9F%8C%8A.jpg")).filename).toBe("Straße 🌊");
    for (const name of [
      "a%2Fb",
      "a%5Cb",
      "a%00b",
      "a%0Ab",
      "a%7Fb",
      "a%EF%BF%BDb",
      "a\ufffdb",
      "%ff",
    ]) {
      expect([name, refusal(named(`${name}.jpg`))]).toEqual([name, "bad_url"]);
    }
  });
});
