/** Telling formats by their first bytes. */

import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { SNIFF_BYTES, sniff } from "../../../src/image/sniff.ts";

const square = sharp({ create: { width: 16, height: 16, channels: 3, background: "#c08040" } });

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** The head of an ISO base media file with these brands. */
function ftyp(main: string, ...compatible: string[]): Uint8Array {
  const box = `ftyp${main}\0\0\0\0${compatible.join("")}`;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(box.length + 4);
  return Buffer.concat([length, bytes(`${box}\0\0\0\x08mdat`)]);
}

describe("what an encoder wrote is told by its magic bytes", () => {
  const cases = [
    ["jpg", "jpeg"],
    ["png", "png"],
    ["webp", "webp"],
    ["avif", "avif"],
    ["gif", "gif"],
    ["tiff", "tiff"],
  ] as const;
  for (const [ext, format] of cases) {
    test(ext, async () => {
      expect(sniff(await square.clone().toFormat(format).toBuffer())).toBe(ext);
    });
  }
});

describe("HEIF brands", () => {
  test("a HEVC brand is heic, as is a HEIF that does not say which codec", () => {
    expect(sniff(ftyp("heic", "mif1", "heic"))).toBe("heic");
    expect(sniff(ftyp("mif1", "miaf"))).toBe("heic");
    expect(sniff(ftyp("hevx"))).toBe("heic");
  });

  test("an avif brand among the compatible ones makes it avif, whatever it calls itself", () => {
    expect(sniff(ftyp("mif1", "miaf", "avif"))).toBe("avif");
    expect(sniff(ftyp("avis", "msf1"))).toBe("avif");
  });

  test("brands behind the end of the box do not count, and a video is no picture", () => {
    const video = ftyp("isom", "mp42");
    expect(sniff(Buffer.concat([video, bytes("avif")]))).toBe("bin");
  });
});

describe("SVG", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ["bare", svg],
    ["after white space", ` \n\t${svg}`],
    ["after an XML prolog", `<?xml version="1.0"?>\n${svg}`],
    ["after comments", `<!-- one --><!-- <b> -->${svg}`],
    ["after a DOCTYPE", `<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD" "x">${svg}`],
    ["after a DOCTYPE with entities", `<!DOCTYPE svg [ <!ENTITY a "b"> ]>${svg}`],
    ["with a prefix", '<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'],
    ["after a byte order mark", Buffer.from(`\ufeff${svg}`)],
    ["in UTF-16", Buffer.from(`\ufeff${svg}`, "utf16le")],
  ];
  for (const [name, head] of cases) {
    test(name, () => {
      expect(sniff(typeof head === "string" ? bytes(head) : head)).toBe("svg");
    });
  }

  test("another document that merely contains one is not", () => {
    expect(sniff(bytes(`<html><body>${svg}</body></html>`))).toBe("bin");
    expect(sniff(bytes("<svgs/>"))).toBe("bin");
  });
});

describe("the rest", () => {
  test("a BMP needs more than its two letters", () => {
    const header = Buffer.alloc(54);
    header.write("BM");
    header.writeUInt32LE(40, 14);
    expect(sniff(header)).toBe("bmp");
    expect(sniff(bytes("BMW is no bitmap, however long"))).toBe("bin");
  });

  test("nothing, too little, or anything else is bin", () => {
    const others = ["", "\xff\xd8", "GIF88a", "RIFF\0\0\0\0WAVE", "%PDF-1.7", "\x89PNG\r\n"];
    for (const head of others) expect(sniff(bytes(head))).toBe("bin");
  });

  test("a head of the full length that opens comment after comment ends soon", () => {
    expect(sniff(bytes("<!---->".repeat(SNIFF_BYTES / 7)))).toBe("bin");
    expect(sniff(bytes("<!-".repeat(SNIFF_BYTES / 3)))).toBe("bin");
  });
});
