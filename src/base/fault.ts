/** Expected failures: one table says of each what it means to a client, how long it may be cached, and whether to retry. */

interface FaultKind {
  /** HTTP status on the public listener. */
  readonly status: number;
  /** Seconds a cache may keep the answer; 0 is `no-store` (spec §2). */
  readonly cacheSeconds: number;
  /** What to do about it, told to the client. */
  readonly hint: string;
  /** The same request may succeed soon, here or at another node. */
  readonly retry: boolean;
}

export const FAULTS = {
  bad_url: kind(400, 60, "use /{prefix}/{webId}/{size}/{filename}.{ext}"),
  bad_web_id: kind(400, 60, "a web id is 1 to 128 of A-Z a-z 0-9 . _ ~ -"),
  bad_size: kind(
    400,
    60,
    "use a size class of this site, or WIDTHxHEIGHT with both from 1 to 8192",
  ),
  bad_format: kind(400, 60, "use jpg, png, webp, avif, gif or auto"),
  bad_request: kind(400, 60, "mend the request"),
  unauthorized: kind(401, 0, "send the header Authorization: Bearer with the node's admin token"),
  bad_upload_key: kind(
    401,
    0,
    "send a key of the node's MIR_UPLOAD_KEYS in meta; a node without any takes no uploads",
  ),
  not_found: kind(404, 5, "there is no such picture"),
  method_not_allowed: kind(405, 60, "use GET, HEAD or OPTIONS"),
  bad_digest: kind(400, 60, "send the bytes whose length and SHA-256 were announced"),
  conflict: kind(409, 0, "other bytes are stored under this id; choose another id"),
  upload_too_large: kind(413, 0, "send a picture of fewer bytes"),
  range_not_satisfiable: kind(416, 60, "ask for bytes that exist"),
  wrong_ext: kind(422, 60, "name the upload by what its bytes are"),
  undecodable: kind(422, 60, "the stored bytes are not a picture that can be decoded"),
  unsupported_image: kind(422, 60, "store the picture as jpg, png, webp, avif or gif"),
  heic_unsupported: kind(
    422,
    60,
    "HEIC cannot be decoded here; configure thumbnail_endpoint or store a jpg",
  ),
  image_too_large: kind(
    422,
    60,
    "the picture has more pixels, frames or bytes than the limits allow",
  ),
  abandoned: kind(499, 0, "whoever asked had gone before there was an answer; ask again", true),
  blocked: kind(451, 0, "the picture was taken down; mir purge --unblock brings it back"),
  withdrawn: kind(
    503,
    0,
    "the picture was purged with its original just now; upload it again",
    true,
  ),
  bad_origin: kind(502, 0, "the origin store failed; retry later", true),
  no_origin: kind(502, 0, "no level below could be reached; retry later", true),
  peer_failed: kind(502, 0, "another node broke off; retry", true),
  bad_frame: kind(
    502,
    0,
    "another node broke the control protocol; see its version and its log",
    true,
  ),
  overloaded: kind(503, 0, "the node is busy; retry after the time given", true),
  no_store: kind(503, 0, "the topology has no origin, so that uploads have nowhere to go"),
  image_failed: kind(503, 0, "the image worker died; retry", true),
  resolver_down: kind(503, 0, "the content resolution API does not answer; retry later", true),
  draining: kind(503, 0, "the node is shutting down; ask another one", true),
  too_slow: kind(504, 0, "a level below did not answer in time; retry later", true),
  disk_full: kind(507, 0, "the node has no room; free or add disk space", true),
  unwritable: kind(503, 0, "the node cannot write to its disk; see its log", true),
  internal: kind(500, 0, "a bug or a broken machine; see the log of the node", true),
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof FAULTS;

/** A failure with a code that callers choose by. `message` is for people and may reach clients: nothing internal in it. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Milliseconds after which a retry makes sense; for `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FaultCode,
    message: string,
    options?: { cause?: unknown; retryAfterMs?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Whether a string from the wire names one of our faults. */
export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

/** Whatever was thrown, as a Fault; an unknown error becomes `internal` with its cause kept for the log. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault("internal", "unexpected failure", { cause: error });
}

/** For the end of a switch over a union: a compile error when a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

function kind(status: number, cacheSeconds: number, hint: string, retry = false): FaultKind {
  return { status, cacheSeconds, hint, retry };
}
