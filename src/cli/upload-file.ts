/** Sends one file to the upload route of a node, and again while the trouble may pass. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import * as v from "valibot";
import { errnoOf } from "../base/errno.ts";
import { FAULTS, Fault, isFaultCode } from "../base/fault.ts";

export interface Acknowledged {
  readonly created: boolean;
  readonly contentId: string;
  readonly relname: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
  readonly propagated: string;
}

export interface UploadFileOptions {
  /** `http://host:port`. */
  readonly url: string;
  readonly key: string;
  readonly file: string;
  readonly about: { readonly contentId: string | undefined; readonly webId: string | undefined };
  readonly onSent: (bytes: number, total: number) => void;
}

const CHUNK_BYTES = 256 * 1024;
/** A picture that takes longer is given up. */
const ANSWER_MS = 900_000;
/** The same bytes twice are "already there", so that trying again does no harm. */
const TRIES = 3;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** Throws the Fault the node told, `peer_failed` when it cannot be reached, `bad_request` for the file itself. */
export async function uploadFile(options: UploadFileOptions): Promise<Acknowledged> {
  const digest = digestOf(options.file);
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(options, digest);
    } catch (error) {
      if (!(error instanceof Fault) || !FAULTS[error.code].retry || attempt === TRIES) throw error;
      const waitMs = error.retryAfterMs ?? RETRY_MS * 2 ** (attempt - 1);
      await Bun.sleep(Math.min(RETRY_MAX_MS, waitMs));
    }
  }
}

async function send(options: UploadFileOptions, digest: string): Promise<Acknowledged> {
  const { url, key, file, about } = options;
  const boundary = `mir-${crypto.randomUUID()}`;
  const meta = JSON.stringify({ key, ...about, digest });
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="meta"\r\n\r\n${meta}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="afile"; filename="picture"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  using source = openFile(file);
  const body = bodyOf({ head, source, tail: `\r\n--${boundary}--\r\n`, onSent: options.onSent });
  const answer = await reach(`${url}/upload-propagate`, {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body,
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return contentOf(answer);
}

interface FileSource extends Disposable {
  readonly fd: number;
  readonly bytes: number;
}

function openFile(path: string): FileSource {
  const fd = openToRead(path);
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new Fault("bad_request", "that is no file");
  }
  return { fd, bytes: stat.size, [Symbol.dispose]: () => closeSync(fd) };
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new Fault("bad_request", "the file cannot be read", { cause });
  }
}

/** Read as it is sent, so that the size of a picture does not matter. */
function bodyOf(form: {
  readonly head: string;
  readonly source: FileSource;
  readonly tail: string;
  readonly onSent: (bytes: number, total: number) => void;
}): ReadableStream<Uint8Array> {
  const { fd, bytes } = form.source;
  let at = -1;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < 0) {
          at = 0;
          controller.enqueue(Buffer.from(form.head));
          return;
        }
        form.onSent(at, bytes);
        const chunk = new Uint8Array(CHUNK_BYTES);
        const got = readSync(fd, chunk, 0, chunk.length, at);
        at += got;
        if (got > 0) controller.enqueue(chunk.subarray(0, got));
        else {
          controller.enqueue(Buffer.from(form.tail));
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

/** As OpenSSL names what is wrong with a chain of certificates, and as Node names one for another host. */
const UNTRUSTED = /CERT|SIGNATURE|ISSUER/;

function unreachable(url: string, cause: unknown): Fault {
  const { host } = new URL(url);
  const code = errnoOf(cause) ?? "";
  if (UNTRUSTED.test(code)) {
    const hint = "of an authority of your own, name its file in NODE_EXTRA_CA_CERTS";
    const told = `the certificate of ${host} is not trusted (${code}): ${hint}`;
    return new Fault("bad_request", told, { cause });
  }
  return new Fault("peer_failed", `${host} does not answer, or broke off`, { cause });
}

const ACKNOWLEDGED = v.object({
  contentId: v.string(),
  relname: v.string(),
  bytes: v.number(),
  digest: v.string(),
  propagated: v.string(),
});
const REFUSED = v.object({
  error: v.object({ code: v.string(), message: v.string(), hint: v.string() }),
});

async function contentOf(answer: Response): Promise<Acknowledged> {
  const content: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) {
    const parsed = v.safeParse(ACKNOWLEDGED, content);
    if (parsed.success) return { created: answer.status === 201, ...parsed.output };
    throw new Fault("internal", "the server does not answer like a node of mir");
  }
  const refused = v.safeParse(REFUSED, content);
  if (!refused.success) throw new Fault("internal", `the server answered ${answer.status}`);
  const { code, message, hint } = refused.output.error;
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  const retry = Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {};
  throw new Fault(isFaultCode(code) ? code : "internal", `${message}: ${hint}`, retry);
}

function digestOf(path: string): string {
  using source = openFile(path);
  const hasher = new Bun.CryptoHasher("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; ; ) {
    const got = readSync(source.fd, chunk, 0, chunk.length, at);
    if (got === 0) return hasher.digest("hex");
    hasher.update(chunk.subarray(0, got));
    at += got;
  }
}
