/** The form of an upload, read as it comes: whatever the cuts, in order, bounded, complete. */

import { describe, expect, test } from "bun:test";
import { asFault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { readForm } from "../../../src/http/multipart.ts";
import { BOUNDARY, FORM_TYPE, type FormPart, formOf } from "../../support/uploads.ts";

const FILE = Buffer.from(
  `\r\n--${BOUNDARY.slice(0, -1)}\r\n--${BOUNDARY}x is no border\r\n`.slice(0, 60),
);
const META = { name: "meta", content: '{"key":"k"}' };
const AFILE = { name: "afile", content: FILE, filename: "a.jpg" };

interface Seen {
  readonly meta: string[];
  readonly file: Buffer;
  /** Text of the refusal; undefined when the form was complete. */
  readonly refusal: string | undefined;
}

async function read(
  chunks: Iterable<Uint8Array> | ReadableStream<Uint8Array>,
  options: { readonly type?: string; readonly onMeta?: (text: string) => void } = {},
): Promise<Seen> {
  const stream = chunks instanceof ReadableStream ? chunks : streamOf(chunks);
  const request = new Request("http://mir/", {
    method: "POST",
    headers: { "content-type": options.type ?? FORM_TYPE },
    body: stream,
  });
  const meta: string[] = [];
  const pieces: Buffer[] = [];
  let refusal: string | undefined;
  try {
    await readForm(request, {
      meta(text) {
        meta.push(text);
        options.onMeta?.(text);
      },
      file: (chunk) => pieces.push(Buffer.from(chunk)),
    });
  } catch (error) {
    refusal = asFault(error).message;
  }
  return { meta, file: Buffer.concat(pieces), refusal };
}

function streamOf(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const rest = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const next = rest.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

function cut(bytes: Uint8Array, ...at: number[]): Uint8Array[] {
  return [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length));
}

describe("a form", () => {
  test("reads the same wherever it is cut in two", async () => {
    const form = formOf([META, AFILE]);
    for (let at = 0; at <= form.length; at++) {
      const seen = await read(cut(form, at));
      expect({ at, ...seen, same: seen.file.equals(FILE) }).toMatchObject({
        at,
        meta: [META.content],
        refusal: undefined,
        same: true,
      });
    }
  });

  test("reads the same byte by byte", async () => {
    const form = formOf([META, AFILE]);
    const seen = await read([...form].map((byte) => Uint8Array.of(byte)));
    expect(seen).toEqual({ meta: [META.content], file: FILE, refusal: undefined });
  });

  test("may give meta a filename, as some clients do with every part", async () => {
    const form = formOf([{ ...META, filename: "meta.json", type: "application/json" }, AFILE]);
    expect(await read([form])).toEqual({ meta: [META.content], file: FILE, refusal: undefined });
  });

  test("hands on a large file in pieces, none of it kept back", async () => {
    const file = Buffer.alloc(3_000_000, "0123456789abcdef\r\n--");
    const form = formOf([META, { ...AFILE, content: file }]);
    const parts = cut(form, ...Array.from({ length: 40 }, (_, i) => (i + 1) * 70_001));
    const seen = await read(parts);
    expect(seen.refusal).toBeUndefined();
    expect(seen.file.equals(file)).toBe(true);
  });

  test("shows meta before the file: a refused one ends the reading within a few KiB", async () => {
    const file = Buffer.alloc(10_000_000);
    const form = formOf([META, { ...AFILE, content: file }]);
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(form.slice(pulled, pulled + 4096));
          pulled += 4096;
        },
      },
      { highWaterMark: 0 },
    );
    const refuse = (): never => {
      throw new Error("no");
    };
    const seen = await read(stream, { onMeta: refuse });
    expect(seen.refusal).toBe("unexpected failure");
    expect(pulled).toBeLessThan(64 * 1024);
  });
});

describe("refused, saying why:", () => {
  const long = "x".repeat(LIMITS.uploadMetaBytesMax + 1);
  const forms: readonly (readonly [string, readonly FormPart[], RegExp])[] = [
    ["nothing in it", [], /meta is missing|cannot be read/],
    ["only meta", [META], /afile is missing/],
    ["only the file", [AFILE], /meta must come before afile/],
    ["the file before meta", [AFILE, META], /meta must come before afile/],
    ["meta twice", [META, META, AFILE], /more than one meta/],
    ["the file twice", [META, AFILE, AFILE], /more than one afile|more parts/],
    ["another field", [META, { name: "x", content: "1" }, AFILE], /a part "x" besides/],
    ["another field after it", [META, AFILE, { name: "x", content: "1" }], /a part "x" besides/],
    ["another file", [META, { ...AFILE, name: "b" }], /a part "b" besides/],
    ["the file as a field", [META, { name: "afile", content: "1" }], /give it a filename/],
    ["meta of more than 16 KiB", [{ ...META, content: long }, AFILE], /more than 16384 bytes/],
    ["the same with a filename", [{ ...META, content: long, filename: "m" }], /more than 16384/],
    ["very many parts", Array<FormPart>(20).fill(META), /more than one meta/],
    ["a huge head of a part", [{ ...META, filename: "f".repeat(20_000) }], /Malformed part header/],
  ];
  test.each(forms)("%s", async (_, parts, why) => {
    const form = formOf(parts);
    expect((await read([form])).refusal).toMatch(why);
    const small = cut(form, ...Array.from({ length: form.length >> 6 }, (_, i) => (i + 1) << 6));
    expect((await read(small)).refusal).toMatch(why);
  });

  test("16 KiB of meta are not too much", async () => {
    const content = "x".repeat(LIMITS.uploadMetaBytesMax);
    const seen = await read([formOf([{ ...META, content }, AFILE])]);
    expect(seen.refusal).toBeUndefined();
    expect(seen.meta).toEqual([content]);
  });

  test("a form that breaks off anywhere", async () => {
    const form = formOf([META, AFILE]);
    for (let end = 0; end < form.length - 4; end++) {
      expect({ end, refusal: (await read([form.slice(0, end)])).refusal }).toMatchObject({
        refusal: expect.stringMatching(/Unexpected end of form|is missing/),
      });
    }
  });

  test("endless bytes before the first part, or after the last", async () => {
    const block = Buffer.alloc(1024, "x");
    function* endless(first: Uint8Array): Generator<Uint8Array> {
      yield first;
      for (let i = 0; i < 100_000; i++) yield block;
    }
    expect((await read(endless(block))).refusal).toMatch(/meta must be the first part/);
    const whole = formOf([META, AFILE]);
    expect((await read(endless(whole))).refusal).toMatch(/more around the file/);
  });

  test("a stream that fails", async () => {
    const form = formOf([META, AFILE]);
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(form.slice(0, 200));
        controller.error(new Error("reset"));
      },
    });
    expect((await read(stream)).refusal).toBe("the upload broke off");
  });

  test.each([
    ["", /not multipart\/form-data/],
    ["application/json", /not multipart\/form-data/],
    ["multipart/form-data", /Boundary not found/],
    [`multipart/form-data; boundary=other`, /Unexpected end of form|is missing/],
  ])("the content type %j", async (type, why) => {
    expect((await read([formOf([META, AFILE])], { type })).refusal).toMatch(why);
  });
});
