/** The body of an S3 answer, pulled, with its length proven and its stalls bounded. */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import type { Reply } from "./s3-exchange.ts";
import { badOrigin, tooSlow } from "./store.ts";

/** What starting the GET brought; `failed` may pass by itself. */
export type Started = Exclude<Reply, { kind: "missing" }>;

export interface S3BodyOptions {
  readonly bytes: number;
  readonly stallMs: number;
  /** Before the one retry. */
  readonly pauseMs: number;
  /** For the log. */
  readonly failed: (reason: string, error: unknown) => void;
  /** Sends the GET; aborting ends it and its body. */
  readonly start: (abort: AbortController) => Promise<Started>;
}

/**
 * Back-pressure is that of `fetch`: a reader that pauses leaves some 6 MB in the sockets and the client's window
 * (measured with 200 MB), then the store stops sending.
 */
export function makeS3Body(options: S3BodyOptions): Body {
  const { bytes } = options;
  const source = makeSource(options);
  let got = 0;
  let begun = false;
  let over: "end" | Fault | undefined;

  const next = async (): Promise<Uint8Array | undefined> => {
    if (begun && got === bytes) return undefined;
    const chunk = begun ? await source.pull() : await source.first();
    begun = true;
    got += chunk?.length ?? 0;
    if (got < bytes && chunk === undefined) {
      throw badOrigin("the original came shorter than announced");
    }
    // the last chunk waits for the proof that it is the last
    if (got > bytes || (got === bytes && (await source.pull()) !== undefined)) {
      throw badOrigin("the original came longer than announced");
    }
    return chunk;
  };

  return {
    async read() {
      if (over === "end") return undefined;
      if (over !== undefined) throw over;
      try {
        const chunk = await next();
        if (over !== undefined) throw over;
        if (chunk === undefined) over = "end";
        return chunk;
      } catch (error) {
        if (over === undefined) options.failed(`after ${got} of ${bytes} bytes`, error);
        over ??= error instanceof Fault ? error : badOrigin(undefined, error);
        source.stop();
        throw over;
      }
    },
    cancel() {
      if (over === "end") return;
      over ??= badOrigin("the reader gave up");
      source.stop();
    },
  };
}

interface Source {
  /** Starts the GET; asks once more when it breaks off before its first byte, since nobody has seen any yet. */
  first(): Promise<Uint8Array | undefined>;
  /** The next chunk as it comes; undefined at the end of the answer. */
  pull(): Promise<Uint8Array | undefined>;
  stop(): void;
}

/** As much of a stream's reader as is needed here. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

type First =
  | { readonly kind: "chunk"; readonly chunk: Uint8Array | undefined }
  | { readonly kind: "failed"; readonly fault: Fault };

function makeSource(options: S3BodyOptions): Source {
  const { stallMs, pauseMs, start } = options;
  let abort = new AbortController();
  let reader: Reader | undefined;
  let stopped = false;

  const pull = async (): Promise<Uint8Array | undefined> => {
    if (reader === undefined) return undefined;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort.abort();
    }, stallMs);
    try {
      return await nonEmpty(reader);
    } catch (error) {
      throw late ? tooSlow() : badOrigin("the origin store broke off", error);
    } finally {
      clearTimeout(timer);
    }
  };

  const begin = async (): Promise<First> => {
    const started = await start(abort);
    if (started.kind === "failed") return started;
    reader = started.response.body?.getReader();
    try {
      return { kind: "chunk", chunk: await pull() };
    } catch (error) {
      if (error instanceof Fault && error.code === "bad_origin") {
        return { kind: "failed", fault: error };
      }
      throw error;
    }
  };

  return {
    pull,
    async first() {
      const once = await begin();
      if (once.kind === "chunk") return once.chunk;
      await Bun.sleep(pauseMs);
      if (stopped) throw once.fault;
      abort = new AbortController();
      const again = await begin();
      if (again.kind === "failed") throw again.fault;
      return again.chunk;
    },
    stop() {
      stopped = true;
      abort.abort();
    },
  };
}

async function nonEmpty(reader: Reader): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    if (value !== undefined && value.length > 0) return value;
  }
}
