/** `POST /upload-propagate`: a picture from whoever has a key, into the mesh and on its way to the store (spec §2). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { ReceiveUpload, Receiving, Uploaded } from "../content/upload.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { faultResponse } from "./faults.ts";
import type { Handler, RequestTimer } from "./image.ts";
import { pathOfTarget, UPLOAD_PATH } from "./image-url.ts";
import { readForm } from "./multipart.ts";
import { makeKeyCheck, parseUploadMeta } from "./upload-meta.ts";

const ALLOWED_METHODS = "POST, OPTIONS";

/** Refusals that no client is to blame for, and that end only when somebody looks. */
const OF_THIS_NODE: ReadonlySet<string> = new Set(["internal", "unwritable", "disk_full"]);

/** Bun's longest; the waits of an upload are its own (`DEADLINES.upload…`). */
const IDLE_SECONDS = 255;

export interface UploadOptions {
  /** Of `MIR_UPLOAD_KEYS`. */
  readonly keys: readonly string[];
  readonly receive: ReceiveUpload;
  readonly allowOrigin: () => string;
  readonly counters: Counters;
  readonly log: Log;
  /** While true, answers carry `Connection: close`. */
  readonly draining?: (() => boolean) | undefined;
  /** `DEADLINES.uploadRefusedMs` by default. */
  readonly refusedMs?: number;
}

/**
 * The public routes of a listener that takes uploads. Bodies of all other requests are never read: the
 * connection of a method that is not served is closed instead.
 */
export function withUploads(routes: Handler, options: UploadOptions): Handler {
  const upload = makeUploadHandler(options);
  return (request, server) => {
    const { method } = request;
    if (method === "POST" && pathOf(request) === UPLOAD_PATH) return upload(request, server);
    const answer = routes(request, server);
    // what is answered at once is a refusal or small, so this costs pictures nothing
    if (!(answer instanceof Response)) return answer;
    // no picture is there, so that the routes refuse it in one way or another
    if ((answer.status >= 400 || method === "OPTIONS") && pathOf(request) === UPLOAD_PATH) {
      return method === "OPTIONS" ? preflight(options) : notAllowed(options);
    }
    if (answer.status === 405) answer.headers.set("Connection", "close");
    return answer;
  };
}

/** Never rejects: every failure is an answer. */
function makeUploadHandler(
  options: UploadOptions,
): (request: Request, server: RequestTimer | undefined) => Promise<Response> {
  const { counters, log } = options;
  const desk = new Desk(options);
  return async (request, server) => {
    counters.add("http_requests");
    server?.timeout(request, IDLE_SECONDS);
    try {
      return answerOf(await desk.receive(request), options);
    } catch (error) {
      const fault = asFault(error);
      counters.add("upload_refused");
      if (fault.code === "overloaded") counters.add("shed");
      const { code } = fault;
      if (OF_THIS_NODE.has(code)) log.error("upload.failed", { code, error: fault });
      await desk.seeOff(request, fault);
      // the rest of the body may still be on its way
      return faultResponse(fault, {
        allowOrigin: options.allowOrigin(),
        headers: { Connection: "close" },
      });
    }
  };
}

/** How many are being served, by how far they have come. */
class Desk {
  readonly #options: UploadOptions;
  readonly #isKey: (key: string) => boolean;
  #unproven = 0;
  #receiving = 0;
  #refusing = 0;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#isKey = makeKeyCheck(options.keys);
  }

  async receive(request: Request): Promise<Uploaded> {
    if (this.#options.keys.length === 0) {
      throw new Fault("bad_upload_key", "this node has no upload keys and takes no uploads");
    }
    if (this.#unproven >= LIMITS.uploadsUnprovenMax) throw tooMany();
    this.#unproven++;
    let receiving: Receiving | undefined;
    try {
      await readForm(request, {
        meta: (text) => {
          receiving = this.#admit(text);
        },
        file: (chunk) => receiving?.write(chunk),
      });
      if (receiving === undefined) throw new Fault("internal", "a form without its meta");
      return await receiving.finish();
    } finally {
      if (receiving === undefined) this.#unproven--;
      else this.#receiving--;
      receiving?.[Symbol.dispose]();
    }
  }

  #admit(text: string): Receiving {
    const wish = parseUploadMeta(text, this.#isKey);
    if (this.#receiving >= LIMITS.uploadsMax) throw tooMany();
    const receiving = this.#options.receive(wish);
    this.#unproven--;
    this.#receiving++;
    return receiving;
  }

  /** Before a refusal is told: who guesses keys waits, who has one gets time to see the answer. */
  async seeOff(request: Request, fault: Fault): Promise<void> {
    if (fault.code !== "bad_upload_key") return linger(request);
    if (this.#options.keys.length === 0 || this.#refusing >= LIMITS.uploadRefusalsMax) return;
    this.#refusing++;
    try {
      // the body stays unread: TCP holds the client back, and nothing of it lies here
      await Bun.sleep(this.#options.refusedMs ?? DEADLINES.uploadRefusedMs);
    } finally {
      this.#refusing--;
    }
  }
}

/** Reads on and drops it for a while: a client that still sends when its connection closes loses the answer. */
async function linger(request: Request): Promise<void> {
  const { body } = request;
  if (body === null || body.locked) return;
  const reader = body.getReader();
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), DEADLINES.uploadLingerMs);
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late.promise]);
      if (next === "late" || next.done) return;
    }
  } catch {
    // the client has gone, and with it whoever would read the answer
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(done: Uploaded, options: UploadOptions): Response {
  const { contentId, relname, bytes, digest, propagated, created } = done;
  const headers = new Headers({
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  const allowOrigin = options.allowOrigin();
  if (allowOrigin !== "") headers.set("Access-Control-Allow-Origin", allowOrigin);
  if (options.draining?.() === true) headers.set("Connection", "close");
  const body = JSON.stringify({ contentId, relname, bytes, digest, propagated });
  return new Response(body, { status: created ? 201 : 200, headers });
}

function notAllowed({ allowOrigin }: UploadOptions): Response {
  const fault = new Fault("method_not_allowed", "uploads are made by POST");
  return faultResponse(fault, {
    allowOrigin: allowOrigin(),
    headers: { Allow: ALLOWED_METHODS, Connection: "close" },
  });
}

function preflight(options: UploadOptions): Response {
  const headers = new Headers({ Allow: ALLOWED_METHODS });
  const allowOrigin = options.allowOrigin();
  if (allowOrigin !== "") {
    headers.set("Access-Control-Allow-Origin", allowOrigin);
    headers.set("Access-Control-Allow-Methods", ALLOWED_METHODS);
    headers.set("Access-Control-Allow-Headers", "Content-Type");
  }
  return new Response(null, { status: 204, headers });
}

function pathOf(request: Request): string {
  return pathOfTarget(request.url);
}

function tooMany(): Fault {
  return new Fault("overloaded", "too many uploads at once", { retryAfterMs: 1000 });
}
