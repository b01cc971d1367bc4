/** Pictures over a real socket, and answers taken apart down to their header lines. */

import type { Served } from "../../src/content/served.ts";
import type { Handler } from "../../src/http/image.ts";
import { type RunningListener, startPublicListener } from "../../src/http/public-listener.ts";
import { silentLog } from "../../src/observe/log.ts";
import { makePictureSite, PICTURE_PATH, type PictureSite } from "./picture-site.ts";
import { getRequest, type RawAnswer, rawExchange } from "./raw-client.ts";

export interface Parsed {
  readonly status: number;
  /** `name: value`, names in small letters. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface WireSite extends Pick<PictureSite, "count"> {
  readonly port: number;
  /** What every request from now on is answered with. */
  serve(served: Served): void;
  exchange(request: string | Uint8Array): Promise<RawAnswer>;
  get(served: Served, headers?: Readonly<Record<string, string>>): Promise<Parsed>;
  stop(): Promise<void>;
}

export async function startWireSite(): Promise<WireSite> {
  let content: Served | undefined;
  const site = makePictureSite(() => {
    if (content === undefined) throw new Error("nothing is served yet");
    return content;
  });
  const listener = await listenOnLoopback(site.handler);
  const port = listener.port ?? 0;
  const exchange = (request: string | Uint8Array) => rawExchange({ port, request });
  return {
    port,
    exchange,
    count: site.count,
    serve(served) {
      content = served;
    },
    async get(served, headers = {}) {
      content = served;
      return parsed(await exchange(getRequest(PICTURE_PATH, headers)));
    },
    stop: () => listener.stop(false),
  };
}

export function listenOnLoopback(handler: Handler): Promise<RunningListener> {
  return startPublicListener({
    listener: { type: "net", host: "127.0.0.1", port: 1, upload: false, tls: true },
    index: 0,
    port: 0,
    handler,
    log: silentLog,
  });
}

export function parsed({ bytes }: RawAnswer): Parsed {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return { status: Number(first.split(" ")[1]), headers, body: bytes.subarray(end + 4) };
}

/** Values of all header lines of that name. */
export function valuesOf({ headers }: Parsed, name: string): string[] {
  return headers
    .filter((line) => line.startsWith(`${name}: `))
    .map((line) => line.slice(name.length + 2));
}

/** The body, with the framing of chunks taken off where it has one. */
export function dechunked(answer: Parsed): Buffer {
  if (valuesOf(answer, "transfer-encoding").length === 0) return answer.body;
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = answer.body.indexOf("\r\n", at);
    const size = Number.parseInt(answer.body.subarray(at, line).toString("latin1"), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(answer.body.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
