/** Asks a node for a picture as a client would, and reads all of the answer. */

import { DEMO_LIMITS, DEMO_WAITS } from "./bounds.ts";
import { type Member, parseCacheStatus } from "./cache-status.ts";

export interface Question {
  /** The node asked. */
  readonly edge: string;
  /** `http://127.0.0.1:8080/puddle/…`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** undefined when the answer has none, or one that is not ours. */
  readonly members: readonly Member[] | undefined;
  readonly contentType: string;
  readonly bytes: number;
  /** From the request to the last byte. */
  readonly ms: number;
}

/** What went wrong instead of an answer: refused, cut, too late. */
export interface NoAnswer {
  readonly failed: string;
  readonly ms: number;
}

export type Ask = (question: Question, signal: AbortSignal) => Promise<Answer | NoAnswer>;

/** Never rejects: a node that fails is what the demo is there to show. */
export const ask: Ask = async ({ url, headers = {} }, signal) => {
  const began = performance.now();
  const ms = (): number => performance.now() - began;
  try {
    const deadline = AbortSignal.timeout(DEMO_WAITS.answerMs);
    const response = await fetch(url, {
      headers: { ...headers },
      redirect: "manual",
      signal: AbortSignal.any([signal, deadline]),
    });
    const bytes = await countBytes(response);
    return {
      status: response.status,
      members: parseCacheStatus(response.headers.get("cache-status") ?? ""),
      contentType: response.headers.get("content-type") ?? "",
      bytes,
      ms: ms(),
    };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error), ms: ms() };
  }
};

/** Nothing is kept, so an original of any size passes through in little memory. */
async function countBytes(response: Response): Promise<number> {
  let bytes = 0;
  if (response.body === null) return bytes;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > DEMO_LIMITS.answerBytesMax) throw new Error("the answer is too long for the demo");
  }
  return bytes;
}
