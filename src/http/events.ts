/** `GET /events`: the mesh each second as server-sent events, to a bounded number of clients. */

import { setTimeout as pause } from "node:timers/promises";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import type { AdminPage } from "./admin.ts";
import type { MeshDocument } from "./mesh-document.ts";

export interface Events {
  readonly page: AdminPage;
  /** Ends every stream at the end of an event; resolves when they have ended, or after a while. */
  close(): Promise<void>;
}

interface Event {
  readonly number: number;
  readonly text: string;
}

/** Looks at the stamp between two events. */
const BEATS = DEADLINES.meshTickMs / DEADLINES.meshStateMs;

/** What a browser waits before it comes again. */
const RETRY = `retry: ${DEADLINES.eventRetryMs}\n\n`;
const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  // nginx would hold events back until its buffer is full
  "X-Accel-Buffering": "no",
};

/** The document is made once a second, and when something has happened, for all of them, and not at all while there is none. */
export function makeEvents(options: {
  readonly look: () => Promise<MeshDocument>;
  /** Cheap to ask; another one: something has happened that is told at once. */
  readonly stamp: () => string;
  readonly log: Log;
}): Events {
  const { look, stamp, log } = options;
  /** Of each client, when it has gone or its stream has ended. */
  const clients = new Set<Promise<void>>();
  let latest: Event | undefined;
  let next = Promise.withResolvers<Event | undefined>();
  let made = 0;
  let timer: Timer | undefined;
  let closed = false;
  let beats = 0;
  let stamped = "";

  const tick = async (): Promise<void> => {
    try {
      const document = await look();
      const text = `event: mesh\ndata: ${JSON.stringify(document)}\n\n`;
      latest = { number: ++made, text };
      next.resolve(latest);
      next = Promise.withResolvers();
    } catch (error) {
      log.error("the mesh could not be told", { error });
    }
  };
  const beat = (): void => {
    const now = stamp();
    if (beats++ % BEATS !== 0 && now === stamped) return;
    stamped = now;
    void tick();
  };
  const rest = (): void => {
    if (clients.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    latest = undefined;
  };
  const after = async (number: number): Promise<Event | undefined> =>
    latest !== undefined && latest.number > number && !closed ? latest : next.promise;
  const join = (gone: Promise<void>): void => {
    clients.add(gone);
    void gone.then(() => {
      clients.delete(gone);
      rest();
    });
    if (timer !== undefined) return;
    timer = setInterval(beat, DEADLINES.meshStateMs);
    beats = 0;
    beat();
  };

  return {
    page(request, server) {
      if (request.method === "HEAD") return new Response(null, { headers: HEADERS });
      if (closed) throw new Fault("draining", "the node is shutting down");
      if (clients.size >= LIMITS.eventClientsMax) {
        throw new Fault("overloaded", "too many clients follow the mesh here", {
          retryAfterMs: DEADLINES.eventStallMs,
        });
      }
      // a client that takes nothing for so long is cut
      server?.timeout(request, DEADLINES.eventStallMs / 1000);
      const gone = Promise.withResolvers<void>();
      request.signal.addEventListener("abort", () => gone.resolve(), { once: true });
      join(gone.promise);
      return new Response(streamOf(after, gone), { headers: HEADERS });
    },
    async close() {
      closed = true;
      clearInterval(timer);
      next.resolve(undefined);
      const all = Promise.all(clients);
      await Promise.race([all, pause(DEADLINES.eventEndMs, undefined, { ref: false })]);
    },
  };
}

/** Each event is whole. What comes while the client has not taken the one before is left out. */
function streamOf(
  after: (number: number) => Promise<Event | undefined>,
  gone: PromiseWithResolvers<void>,
): ReadableStream {
  let left = false;
  void gone.promise.then(() => {
    left = true;
  });
  return new ReadableStream({
    type: "direct",
    async pull(controller: ReadableStreamDirectController) {
      let event: Event | undefined = { number: 0, text: RETRY };
      while (event !== undefined && !left) {
        await controller.write(event.text);
        await controller.flush();
        event = await Promise.race([after(event.number), gone.promise.then(() => undefined)]);
      }
      if (!left) controller.close();
      gone.resolve();
    },
    cancel: () => gone.resolve(),
  });
}
