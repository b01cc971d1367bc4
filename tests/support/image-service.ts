/** A real HTTP service that makes pictures smaller, as `thumbnail_endpoint` names one; it can be told to misbehave. */

import sharp from "sharp";
import { drawRaw } from "./pictures.ts";

export interface Asked {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly quality: number;
  readonly contentType: string | null;
  readonly bytes: number;
}

/** Instead of the right answer. */
export type Misbehaviour = (asked: Asked) => Response | Promise<Response>;

export interface ImageService extends Disposable {
  readonly url: string;
  readonly asked: Asked[];
  /** `traceparent` of each. */
  readonly traces: (string | null)[];
  /** undefined: it does its work. */
  misbehave: Misbehaviour | undefined;
}

/** What it cannot decode (HEIC here) it draws: for the asker that is the same. */
export function startImageService(options: { readonly port?: number } = {}): ImageService {
  const asked: Asked[] = [];
  const traces: (string | null)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    idleTimeout: 60,
    async fetch(request) {
      const url = new URL(request.url);
      const number = (name: string): number => Number(url.searchParams.get(name));
      const source = Buffer.from(await request.arrayBuffer());
      const one: Asked = {
        width: number("width"),
        height: number("height"),
        format: url.searchParams.get("format") ?? "",
        quality: number("quality"),
        contentType: request.headers.get("content-type"),
        bytes: source.length,
      };
      asked.push(one);
      traces.push(request.headers.get("traceparent"));
      if (service.misbehave !== undefined) return service.misbehave(one);
      return new Response(new Uint8Array(await makeSmaller(source, one)));
    },
  });
  const service: ImageService = {
    url: `http://127.0.0.1:${server.port}/smaller`,
    asked,
    traces,
    misbehave: undefined,
    [Symbol.dispose]: () => void server.stop(true),
  };
  return service;
}

/** A picture of what was asked for. */
export async function drawAsked({ width, height, format }: Asked): Promise<Buffer> {
  const raw = { width, height, channels: 3 } as const;
  return sharp(drawRaw(width, height), { raw })
    .toFormat(format === "avif" ? "avif" : formatOf(format))
    .toBuffer();
}

async function makeSmaller(source: Buffer, asked: Asked): Promise<Buffer> {
  if (asked.contentType === "image/heic") return drawAsked(asked);
  const { width, height, format, quality } = asked;
  const made = sharp(source).autoOrient().resize(width, height, { fit: "fill" });
  return made.toFormat(formatOf(format), { quality }).toBuffer();
}

function formatOf(format: string): "jpeg" | "png" | "webp" | "gif" | "avif" {
  if (format === "jpg") return "jpeg";
  return format as "png" | "webp" | "gif" | "avif";
}

/** The header of a HEIC as phones write them: tiles and what they are laid together to; no pixels. */
export function heicHeader(sides: {
  readonly width: number;
  readonly height: number;
  /** Quarters of a turn. */
  readonly turn?: number;
}): Buffer {
  const { width, height, turn = 0 } = sides;
  const ispe = (w: number, h: number): Buffer => box("ispe", u32(0), u32(w), u32(h));
  const ipco = box("ipco", ispe(512, 512), ispe(width, height), box("irot", Buffer.from([turn])));
  const meta = box("meta", u32(0), box("hdlr", Buffer.alloc(25)), box("iprp", ipco));
  const ftyp = box("ftyp", Buffer.from("heic"), u32(0), Buffer.from("mif1heic"));
  return Buffer.concat([ftyp, meta, box("mdat", Buffer.alloc(2000, 7))]);
}

function box(type: string, ...content: readonly Buffer[]): Buffer {
  const inside = Buffer.concat([...content]);
  return Buffer.concat([u32(inside.length + 8), Buffer.from(type, "latin1"), inside]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
