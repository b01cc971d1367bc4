/** Follows `/events` with whatever token there is, and comes back when the connection is lost. */

import type { MeshDocument } from "../mesh-document.ts";

/** `refused`: the node wants a token, or another one. */
export type Connection = "connecting" | "live" | "lost" | "refused";

export interface StreamOptions {
  readonly token: () => string | undefined;
  readonly onDocument: (document: MeshDocument) => void;
  readonly onState: (state: Connection) => void;
}

export interface MeshStream {
  /** Comes again at once, as with another token. */
  restart(): void;
}

/** Without an event for so long the node counts as gone. */
const SILENCE_MS = 5_000;
/** The first wait before it is tried again, doubled up to the second. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 4_000;

export function followEvents(options: StreamOptions): MeshStream {
  let current = new AbortController();
  const run = async (): Promise<void> => {
    const mine = current;
    let waitMs = RETRY_MS;
    while (!mine.signal.aborted) {
      const end = await follow(options, mine.signal, () => {
        waitMs = RETRY_MS;
      });
      if (mine.signal.aborted) return;
      options.onState(end);
      if (end === "refused") return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(RETRY_MAX_MS, waitMs * 2);
    }
  };
  void run();
  return {
    restart() {
      current.abort();
      current = new AbortController();
      void run();
    },
  };
}

export function authorization(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** One connection to its end. */
async function follow(
  { token, onDocument, onState }: StreamOptions,
  signal: AbortSignal,
  heard: () => void,
): Promise<"lost" | "refused"> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const answer = await fetch("/events", {
      headers: authorization(token()),
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (answer.status === 401) return "refused";
    if (!answer.ok || answer.body === null) return "lost";
    for await (const data of eventsOf(answer.body)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      heard();
      onState("live");
      onDocument(JSON.parse(data) as MeshDocument);
    }
  } catch {
    // whatever it was, it is tried again
  } finally {
    clearTimeout(timer);
  }
  return "lost";
}

/** The data of each event. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const line = event.split("\n").find((text) => text.startsWith("data: "));
        if (line !== undefined) yield line.slice("data: ".length);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
