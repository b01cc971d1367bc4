/** Reads the body of an upload as it comes: first the part `meta`, then the file `afile` (spec §2). */

import busboy from "busboy";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { reclaim } from "../base/reclaim.ts";

export interface FormSink {
  /** The text of `meta`; throws a Fault to refuse it. Next to nothing of the file has been taken by then. */
  meta(text: string): void;
  /** Bytes of the file, in order; valid during the call. */
  file(chunk: Uint8Array): void;
}

/** Where the reading stands: both parts must come, in this order, once. */
type Stage = "start" | "meta" | "file" | "end";

/** Bytes given to the parser at a time outside of the file: so little of it is taken before the key is seen. */
const STEP_BYTES = 8 * 1024;
const META = "meta";
const FILE = "afile";

/**
 * Resolves at the end of a complete form. Throws Faults: `bad_request` for a form that is none, is not in
 * order, comes too slowly or breaks off, and whatever the sink throws. At most one chunk is held at a time.
 */
export async function readForm(request: Request, sink: FormSink): Promise<void> {
  const { body } = request;
  if (body === null) throw new Fault("bad_request", "the request has no body");
  const form = new Form(request.headers.get("content-type") ?? "", sink);
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), form.waitMs());
      if (done) break;
      await form.take(value);
    }
    await form.end();
  } finally {
    form.drop();
    reader.releaseLock();
  }
}

class Form {
  readonly #sink: FormSink;
  readonly #parser: busboy.Busboy;
  readonly #ended = Promise.withResolvers<void>();
  readonly #startedMs = performance.now();
  #stage: Stage = "start";
  #failure: Fault | undefined;
  /** What is done once a `meta` that came as a file has ended. */
  #awaiting: (() => void) | undefined;
  /** Taken outside of the file, counted by whole pieces. */
  #aroundBytes = 0;

  constructor(contentType: string, sink: FormSink) {
    this.#sink = sink;
    this.#parser = makeParser(contentType);
    this.#parser.on("field", (name, value, info) =>
      this.#guard(() => this.#field(name, value, info)),
    );
    this.#parser.on("file", (name, stream) => {
      // an upload that breaks off destroys it with an error, which the parser tells as well
      stream.on("error", () => undefined);
      this.#guard(() => this.#part(name, stream));
    });
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
      this.#parser.on(limit, () =>
        this.#guard(() => refuse(`it has more parts than ${META} and ${FILE}`)),
      );
    }
    this.#parser.on("error", (error) => this.#guard(() => malformed(error)));
    this.#parser.on("close", () => this.#ended.resolve());
  }

  /** Milliseconds the next bytes may take. */
  waitMs(): number {
    const spentMs = performance.now() - this.#startedMs;
    const wholeMs = this.#stage === "start" ? DEADLINES.uploadMetaMs : DEADLINES.uploadMs;
    return Math.max(0, Math.min(DEADLINES.uploadStallMs, wholeMs - spentMs));
  }

  async take(chunk: Uint8Array): Promise<void> {
    reclaim(chunk.length);
    for (let at = 0; at < chunk.length; ) {
      const inFile = this.#stage === "file";
      const piece = chunk.subarray(at, inFile ? chunk.length : at + STEP_BYTES);
      at += piece.length;
      if (!inFile) this.#around(piece.length);
      await this.#feed(piece);
    }
  }

  async end(): Promise<void> {
    this.#parser.end();
    await this.#ended.promise;
    this.#rethrow();
    if (this.#stage === "start") refuse(`the part ${META} is missing`);
    if (this.#stage === "meta") refuse(`the part ${FILE} is missing`);
  }

  /** Nothing of the parser is needed any more. */
  drop(): void {
    this.#failure ??= new Fault("bad_request", "the upload was given up");
    this.#parser.destroy();
  }

  /** Resolves when the parser, and so the sink, has taken it. */
  async #feed(piece: Uint8Array): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#parser.write(piece, () => taken.resolve());
    // a parser that has failed may never say that it took the piece
    await Promise.race([taken.promise, this.#ended.promise]);
    this.#rethrow();
  }

  #around(bytes: number): void {
    this.#aroundBytes += bytes;
    if (this.#aroundBytes <= LIMITS.uploadEnvelopeBytesMax) return;
    refuse(
      this.#stage === "start"
        ? `${META} must be the first part, of at most ${LIMITS.uploadMetaBytesMax} bytes`
        : "there is more around the file than an upload needs",
    );
  }

  #field(name: string, value: string, info: busboy.FieldInfo): void {
    if (name === FILE) refuse(`${FILE} must be sent as a file: give it a filename`);
    if (name !== META) refuse(`there is a part ${shown(name)} besides ${META} and ${FILE}`);
    if (info.valueTruncated || Buffer.byteLength(value) > LIMITS.uploadMetaBytesMax) {
      refuse(`${META} has more than ${LIMITS.uploadMetaBytesMax} bytes`);
    }
    this.#meta(value);
  }

  #part(name: string, stream: NodeJS.ReadableStream): void {
    if (name === META) {
      this.#metaAsFile(stream);
      return;
    }
    if (name !== FILE) refuse(`there is a part ${shown(name)} besides ${META} and ${FILE}`);
    if (this.#awaiting === undefined) this.#file(stream);
    else this.#awaiting = () => this.#file(stream);
  }

  #file(stream: NodeJS.ReadableStream): void {
    if (this.#stage === "start") refuse(`${META} must come before ${FILE}`);
    if (this.#stage !== "meta") refuse(`there is more than one ${FILE}`);
    this.#stage = "file";
    stream.on("data", (chunk: Buffer) => this.#guard(() => this.#sink.file(chunk)));
    stream.on("end", () => {
      this.#stage = "end";
    });
  }

  /** Some clients give every part a filename. Its end is told late: what follows waits for it, unread. */
  #metaAsFile(stream: NodeJS.ReadableStream): void {
    const pieces: Buffer[] = [];
    let bytes = 0;
    this.#awaiting = () => undefined;
    stream.on("data", (chunk: Buffer) =>
      this.#guard(() => {
        bytes += chunk.length;
        if (bytes > LIMITS.uploadMetaBytesMax) {
          refuse(`${META} has more than ${LIMITS.uploadMetaBytesMax} bytes`);
        }
        pieces.push(Buffer.from(chunk));
      }),
    );
    stream.on("end", () =>
      this.#guard(() => {
        const next = this.#awaiting;
        this.#awaiting = undefined;
        this.#meta(Buffer.concat(pieces).toString("utf8"));
        next?.();
      }),
    );
  }

  #meta(text: string): void {
    if (this.#stage !== "start") refuse(`there is more than one ${META}`);
    this.#stage = "meta";
    this.#sink.meta(text);
  }

  /** What goes wrong inside the parser's events comes out of `take` or `end`; after the first nothing counts. */
  #guard(work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#failure = asFault(error);
      this.#ended.resolve();
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function makeParser(contentType: string): busboy.Busboy {
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    refuse("it is not multipart/form-data");
  }
  try {
    return busboy({
      headers: { "content-type": contentType },
      limits: {
        fieldNameSize: 100,
        // one more, because it cuts what is exactly as long as the limit
        fieldSize: LIMITS.uploadMetaBytesMax + 1,
        fields: 2,
        files: 2,
        parts: 3,
        headerPairs: 32,
      },
    });
  } catch (error) {
    return malformed(error);
  }
}

function malformed(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new Fault("bad_request", `the form cannot be read: ${why}`, { cause });
}

function refuse(message: string): never {
  throw new Fault("bad_request", message);
}

/** A name from outside, as a message may show it. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}

async function within<T>(work: Promise<T>, waitMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Fault("bad_request", "the upload came too slowly")),
    waitMs,
  );
  try {
    return await Promise.race([work, late.promise]);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("bad_request", "the upload broke off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
