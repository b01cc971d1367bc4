/** An S3 server in memory that checks signatures, and that fails on the wire in every way asked of it. */

import { type Answer, type Early, listenHttp, type RawRequest } from "./raw-http.ts";
import { type Keys, signatureFault } from "./sigv4.ts";

/** What goes wrong with one request. */
export type S3Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly code?: string;
      readonly location?: string;
    }
  /** The connection closes before any byte of the answer. */
  | { readonly kind: "hang-up" }
  /** No byte of the answer comes. */
  | { readonly kind: "silence" }
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The connection is reset, or read no further, when this many bytes of a PUT have come. */
  | { readonly kind: "cut-put" | "stall-put"; readonly afterBytes: number }
  /** A PUT is answered well and its bytes are lost. */
  | { readonly kind: "lose" }
  /** Chunked, nothing tells the reader that it has all the bytes there are. */
  | { readonly kind: "stall"; readonly afterBytes: number; readonly chunked?: boolean }
  /** Another number of bytes is announced, and sent, than the picture has. */
  | { readonly kind: "length"; readonly bytes: number }
  /** Chunked, so that nothing announces the length; then this many bytes. */
  | { readonly kind: "chunked"; readonly bytes: number }
  | { readonly kind: "header"; readonly name: string; readonly value: string | undefined };

export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
}

export interface FaultyS3 extends Disposable {
  readonly endpoint: string;
  readonly port: number;
  readonly keys: Keys;
  /** Puts a picture there, or `size` bytes of a pattern that are never held in memory. */
  put(
    key: string,
    content: Uint8Array | number,
    options?: { etag?: string; modified?: string },
  ): void;
  get(key: string): Uint8Array | undefined;
  remove(key: string): void;
  /** Asked for each request whose signature held; undefined lets it pass. */
  fault: (request: S3Request) => S3Fault | undefined;
  /** Every request with its method and key, like `HEAD a.jpg`, in order. */
  readonly requests: readonly string[];
  /** `traceparent` of each request that came with one. */
  readonly traces: readonly string[];
  /** Keys of the PUTs that were answered well, in order. */
  readonly stored: readonly string[];
  /** Bytes of bodies that the operating system has taken from us. */
  readonly sentBytes: number;
  /** Resolves when that many connections ended before their answer did. */
  aborted(count: number): Promise<void>;
}

const KEYS: Keys = { accessKeyId: "test-key", secretAccessKey: "test/secret+key" };
const XML_TYPE = "application/xml";

interface Held {
  readonly content: Uint8Array | number;
  readonly etag: string;
  readonly modified: string;
}

/** Knows one bucket, addressed in the path. */
export function startFaultyS3(options: { readonly bucket?: string } = {}): FaultyS3 {
  const bucket = options.bucket ?? "photos";
  const held = new Map<string, Held>();
  const requests: string[] = [];
  const traces: string[] = [];
  const stored: string[] = [];
  const server = listenHttp(respond, interfere);
  let faultOf: FaultyS3["fault"] = () => undefined;

  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    port: server.port,
    keys: KEYS,
    requests,
    traces,
    stored,
    get fault() {
      return faultOf;
    },
    set fault(next) {
      faultOf = next;
    },
    put,
    get(key) {
      const content = held.get(key)?.content;
      return typeof content === "number" ? undefined : content;
    },
    remove(key) {
      held.delete(key);
    },
    get sentBytes() {
      return server.sentBytes;
    },
    aborted: (count) => server.aborted(count),
    [Symbol.dispose]: () => server.stop(),
  };

  function put(key: string, content: Uint8Array | number, more: Partial<Held> = {}): void {
    const hash = Bun.hash(typeof content === "number" ? key : content).toString(16);
    const modified = more.modified ?? "Tue, 02 Jan 2024 03:04:05 GMT";
    held.set(key, { content, etag: more.etag ?? `"${hash}"`, modified });
  }

  function interfere(head: Parameters<Early>[0], bodyBytes: number): ReturnType<Early> {
    if (head.method !== "PUT") return undefined;
    const fault = faultOf(named(head));
    if (fault?.kind !== "cut-put" && fault?.kind !== "stall-put") return undefined;
    if (bodyBytes < fault.afterBytes) return undefined;
    requests.push(`${fault.kind} ${named(head).key}`);
    return fault.kind === "cut-put" ? "close" : "stall";
  }

  function named({ method, target }: { method: string; target: string }): S3Request {
    const [, bucketName = "", ...rest] = decodeURIComponent(target.split("?", 1)[0] ?? "").split(
      "/",
    );
    return { method, bucket: bucketName, key: rest.join("/") };
  }

  function respond(raw: RawRequest): Answer {
    const refused = signatureFault(raw, KEYS, Date.now());
    const trace = raw.headers.get("traceparent");
    if (trace !== undefined) traces.push(trace);
    const request = named(raw);
    requests.push(`${request.method} ${request.key}`);
    if (refused !== undefined) return errorAnswer(403, refused);
    const fault = faultOf(request);
    if (fault?.kind === "status")
      return errorAnswer(fault.status, fault.code ?? "Oops", fault.location);
    if (fault?.kind === "hang-up")
      return { ...EMPTY, sendBytes: 0, silent: true, afterwards: "close" };
    if (fault?.kind === "silence")
      return { ...EMPTY, sendBytes: 0, silent: true, afterwards: "stall" };
    if (request.bucket !== bucket) return errorAnswer(404, "NoSuchBucket");
    if (request.method === "PUT") {
      const md5 = raw.headers.get("content-md5");
      if (md5 !== undefined && md5 !== md5Of(raw.body)) return errorAnswer(400, "BadDigest");
      stored.push(request.key);
      if (fault?.kind !== "lose")
        put(request.key, raw.body, { etag: `"${md5Of(raw.body, "hex")}"` });
      return { ...EMPTY, headers: [["ETag", held.get(request.key)?.etag ?? ""]] };
    }
    if (request.method === "DELETE") {
      held.delete(request.key);
      return { ...EMPTY, status: 204 };
    }
    const found = held.get(request.key);
    return found === undefined ? errorAnswer(404, "NoSuchKey") : pictureAnswer(found, fault);
  }
}

function md5Of(bytes: Uint8Array, encoding: "base64" | "hex" = "base64"): string {
  return new Bun.CryptoHasher("md5").update(bytes).digest(encoding);
}

const EMPTY: Answer = { status: 200, headers: [], content: 0, afterwards: "keep" };

function errorAnswer(status: number, code: string, location?: string): Answer {
  const content = Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
  const headers: [string, string][] = [["Content-Type", XML_TYPE]];
  if (location !== undefined) headers.push(["Location", location]);
  return { status, headers, content, afterwards: "keep" };
}

function pictureAnswer(found: Held, fault: S3Fault | undefined): Answer {
  const headers = new Map([
    ["ETag", found.etag],
    ["Last-Modified", found.modified],
  ]);
  if (fault?.kind === "header") {
    if (fault.value === undefined) headers.delete(fault.name);
    else headers.set(fault.name, fault.value);
  }
  const plain: Answer = {
    status: 200,
    headers: [...headers],
    content: found.content,
    afterwards: "keep",
  };
  switch (fault?.kind) {
    case "cut":
      return { ...plain, sendBytes: fault.afterBytes, afterwards: "close" };
    case "stall":
      return {
        ...plain,
        sendBytes: fault.afterBytes,
        chunked: fault.chunked ?? false,
        afterwards: "stall",
      };
    case "length":
      return { ...plain, content: fault.bytes };
    case "chunked":
      return { ...plain, content: fault.bytes, chunked: true };
    case "header":
      return fault.name === "Content-Length" ? { ...plain, chunked: true } : plain;
    default:
      return plain;
  }
}
