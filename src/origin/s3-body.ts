/** The body of an S3 answer, pulled, with its length proven and its stalls bounded. */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import type { Reply } from "./s3-exchange.ts";
import { badOrigin, tooSlow } from "./store.ts";

/** As much of a stream's reader as is needed here. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

/** What starting the GET brought; `failed` may pass by itself. */
export type Started = Exclude<Reply, { kind: "missing" }>;

type First =
  | { readonly kind: "chunk"; readonly chunk: Uint8Array | undefined }
  | { readonly kind: "failed"; readonly fault: Fault };

/**
 * Back-pressure is that of `fetch`: a reader that pauses leaves some 6 MB in the sockets and the client's window
 * (measured with 200 MB), then the store stops sending.
 */
export function makeS3Body(options: {
  readonly bytes: number;
  readonly stallMs: number;
  readonly pauseMs: number;
  /** For the log. */
  readonly failed: (reason: string, error: unknown) => void;
  /** Sends the GET; aborting ends it and its body. */
  readonly start: (abort: AbortController) => Promise<Started>;
}): Body {
  const { bytes, stallMs } = options;
  let abort = new AbortController();
  let reader: Reader | undefined;
  let got = 0;
  let begun = false;
  let over: "end" | Fault | undefined;

  /** The next chunk of the answer, as it comes; undefined at its end. */
  const pull = async (from: Reader): Promise<Uint8Array | undefined> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort.abort();
    }, stallMs);
    try {
      for (;;) {
        const { done, value } = await from.read();
        if (done) return undefined;
        if (value !== undefined && value.length > 0) return value;
      }
    } catch (error) {
      throw late ? tooSlow() : badOrigin("the origin store broke off", error);
    } finally {
      clearTimeout(timer);
    }
  };

  const begin = async (): Promise<First> => {
    const started = await options.start(abort);
    if (started.kind === "failed") return started;
    reader = started.response.body?.getReader();
    try {
      return { kind: "chunk", chunk: reader === undefined ? undefined : await pull(reader) };
    } catch (error) {
      if (error instanceof Fault && error.code === "bad_origin") return { kind: "failed", fault: error };
      throw error;
    }
  };

  /** Nothing has been given to the caller yet, so what broke off may be asked for once more. */
  const first = async (): Promise<Uint8Array | undefined> => {
    const once = await begin();
    if (once.kind === "chunk") return once.chunk;
    await Bun.sleep(options.pauseMs);
    if (over !== undefined) throw once.fault;
    abort = new AbortController();
    const again = await begin();
    if (again.kind === "failed") throw again.fault;
    return again.chunk;
  };

  const next = async (): Promise<Uint8Array | undefined> => {
    if (begun && got === bytes) return undefined;
    const chunk = begun && reader !== undefined ? await pull(reader) : await first();
    begun = true;
    got += chunk?.length ?? 0;
    if (got === bytes) await expectEnd();
    else if (got > bytes) throw badOrigin("the original came longer than announced");
    else if (chunk === undefined) throw badOrigin("the original came shorter than announced");
    return chunk;
  };

  /** The last chunk waits for the proof that it is the last. */
  const expectEnd = async (): Promise<void> => {
    if (reader === undefined) return;
    const more = await pull(reader);
    if (more !== undefined) throw badOrigin("the original came longer than announced");
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
        abort.abort();
        throw over;
      }
    },
    cancel() {
      over ??= badOrigin("the reader gave up");
      if (over !== "end") abort.abort();
    },
  };
}
