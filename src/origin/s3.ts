/** A store that speaks S3: URLs signed by Bun's S3Client, asked for by `fetch`. */

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { OriginParts, S3Secrets } from "./port.ts";
import { type S3Spec, s3Address, s3Key } from "./s3-address.ts";
import { makeS3Body, type Started } from "./s3-body.ts";
import { type Exchange, makeExchange, type Reply } from "./s3-exchange.ts";
import { putByFetch } from "./s3-put.ts";
import { badOrigin, type Store, type Stored, tooSlow } from "./store.ts";

/** A pause before the one retry, so that a store that is shedding load is not hit at once. */
const RETRY_PAUSE_MS = 50;

/** As long as AWS accepts a signature in a header: what clocks may differ by. */
const SIGNED_SECONDS = 15 * 60;

/** How much of an error document is looked at. */
const ERROR_BYTES_MAX = 4096;

/**
 * Why not `S3Client.stat()` and `.stream()`: a stat cannot be aborted (one that stalls holds its connection for
 * minutes), says "UnknownError" for 403 and 500 alike and follows redirects; a stream does not show the head of its
 * answer, so a picture replaced between HEAD and GET would go unnoticed. The signing is what is worth having.
 */
export function openS3Store(
  spec: S3Spec,
  secrets: S3Secrets | undefined,
  parts: OriginParts,
): Store {
  const { clock, log, waits } = parts;
  const sign = makeSigner(spec, secrets, parts);
  const exchange = makeExchange({ name: spec.name, log });
  let seenBucket = false;

  return {
    name: spec.name,
    upperCase: false,
    async probe(path, waitMs, traceparent) {
      const url = sign(path, "HEAD");
      const reply = await twice(clock, waitMs, (left) =>
        exchange.ask({ method: "HEAD", url, path, waitMs: left, traceparent }),
      );
      if (reply.kind === "missing") return undefined;
      seenBucket = true;
      const bytes = lengthOf(reply.response);
      if (bytes === undefined) {
        log.warn("origin_answer_odd", {
          origin: spec.name,
          path,
          reason: "HEAD without Content-Length",
        });
        throw badOrigin();
      }
      return stored(path, reply.response, { bytes, traceparent });
    },
    async put(path, file, waitMs) {
      const reply = await twice(clock, waitMs, (left) =>
        putByFetch({ exchange, path, file, waits, url: sign(path, "PUT"), waitMs: left }),
      );
      if (reply.kind === "found") return "stored";
      exchange.explain(path, 404, "no such bucket: see [s3] host, bucket and path_style");
      throw badOrigin();
    },
    remove: (path, waitMs) =>
      removeKey({ exchange, clock, path, waitMs, url: sign(path, "DELETE") }),
    async verify(path, waitMs) {
      if (seenBucket) return;
      await verifyBucket(exchange, { path, url: sign(path, "GET"), waitMs });
      seenBucket = true;
    },
  };

  function stored(
    path: string,
    head: Response,
    of: Pick<Expected, "bytes" | "traceparent">,
  ): Stored {
    const etag = head.headers.get("etag") ?? "";
    return {
      bytes: of.bytes,
      etag,
      modified: secondsOf(head.headers.get("last-modified")),
      body: () =>
        makeS3Body({
          bytes: of.bytes,
          stallMs: waits.stallMs,
          pauseMs: RETRY_PAUSE_MS,
          failed: (reason, error) => {
            log.warn("origin_body_failed", { origin: spec.name, path, reason, error });
          },
          start: (abort) =>
            getBody(
              { exchange, waits, path, url: sign(path, "GET") },
              { ...of, etag, abort },
              changed,
            ),
        }),
    };
    function changed(): void {
      log.warn("origin_changed", {
        origin: spec.name,
        path,
        hint: "replaced between HEAD and GET",
      });
    }
  }
}

/** What the HEAD before has said. */
interface Expected {
  readonly etag: string;
  readonly bytes: number;
  readonly abort: AbortController;
  readonly traceparent: string | undefined;
}

async function getBody(
  at: Pick<OriginParts, "waits"> & {
    readonly exchange: Exchange;
    readonly path: string;
    readonly url: string;
  },
  expected: Expected,
  changed: () => void,
): Promise<Started> {
  const { exchange, waits, path, url } = at;
  const { abort, traceparent } = expected;
  const waitMs = waits.headMs;
  const reply = await exchange.ask({ method: "GET", url, path, waitMs, abort, traceparent });
  if (reply.kind === "failed") return reply;
  if (reply.kind === "found") {
    const etag = reply.response.headers.get("etag") ?? "";
    const bytes = lengthOf(reply.response) ?? expected.bytes;
    if (etag === expected.etag && bytes === expected.bytes) return reply;
  }
  abort.abort();
  changed();
  throw badOrigin("the original changed while it was read");
}

type Method = "GET" | "HEAD" | "PUT" | "DELETE";

/** S3 says 204 for a name that was not there, too. */
async function removeKey(options: {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly path: string;
  readonly url: string;
  readonly waitMs: number;
}): Promise<boolean> {
  const { exchange, clock, path, url, waitMs } = options;
  const reply = await twice(clock, waitMs, (left) =>
    exchange.ask({ method: "DELETE", url, path, waitMs: left }),
  );
  if (reply.kind === "missing") return false;
  await reply.response.body?.cancel();
  return true;
}

/** Signs URLs; refuses to when there is nothing to sign with. */
function makeSigner(
  spec: S3Spec,
  secrets: S3Secrets | undefined,
  parts: Pick<OriginParts, "log">,
): (path: string, method: Method) => string {
  if (secrets === undefined) {
    const hint = "set MIR_S3_ACCESS_KEY_ID and MIR_S3_SECRET_ACCESS_KEY, or --secrets FILE";
    parts.log.warn("origin_no_credentials", { origin: spec.name, hint });
    return () => {
      throw badOrigin("this node has no credentials for the origin store");
    };
  }
  const { endpoint, virtualHosted, bucket, region } = s3Address(spec);
  const client = new Bun.S3Client({
    accessKeyId: secrets.accessKeyId,
    secretAccessKey: secrets.secretAccessKey,
    endpoint,
    region,
    virtualHostedStyle: virtualHosted,
    ...(bucket === undefined ? {} : { bucket }),
  });
  const sign = (path: string, method: Method): string =>
    client.presign(s3Key(spec.prefix, path), { method, expiresIn: SIGNED_SECONDS });
  if (sign("probe", "HEAD").includes("X-Amz-Security-Token=")) {
    const hint = "unset AWS_SESSION_TOKEN and S3_SESSION_TOKEN: they belong to other keys";
    parts.log.warn("origin_session_token", { origin: spec.name, hint });
  }
  return sign;
}

/** One retry of what may pass by itself, within the time that was given for one try. */
async function twice(
  clock: Clock,
  waitMs: number,
  ask: (leftMs: number) => Promise<Reply>,
): Promise<Exclude<Reply, { kind: "failed" }>> {
  const endAt = clock.monotonicMs() + waitMs;
  const first = await ask(waitMs);
  if (first.kind !== "failed") return first;
  await Bun.sleep(RETRY_PAUSE_MS);
  const left = endAt - clock.monotonicMs();
  if (left <= 0) throw tooSlow();
  const second = await ask(left);
  if (second.kind === "failed") throw second.fault;
  return second;
}

/** A HEAD says 404 for a missing picture and for a missing bucket; only the document of a GET tells which. */
async function verifyBucket(
  exchange: Exchange,
  options: { readonly path: string; readonly url: string; readonly waitMs: number },
): Promise<void> {
  const reply = await exchange.ask({ method: "GET", ...options, errorBytesMax: ERROR_BYTES_MAX });
  if (reply.kind === "failed") throw reply.fault;
  if (reply.kind === "found") {
    await reply.response.body?.cancel();
    return;
  }
  if (reply.document.includes("<Code>NoSuchBucket</Code>")) {
    exchange.explain(options.path, 404, "NoSuchBucket: see [s3] host, bucket and path_style");
    throw new Fault("bad_origin", "the origin store failed");
  }
}

function lengthOf(response: Response): number | undefined {
  const text = response.headers.get("content-length");
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function secondsOf(date: string | null): number {
  const ms = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.floor(ms / 1000));
}
