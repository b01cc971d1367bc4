/** Expected failures: one table says of each what it means to a client, how long it may be cached, and whether to retry. */

interface FaultKind {
  /** HTTP status on the public listener. */
  readonly status: number;
  /** Seconds a cache may keep the answer; 0 is `no-store` (spec §2). */
  readonly cacheSeconds: number;
  /** What it is, told to clients in place of a message about the inside of the mesh. */
  readonly told: string;
  /** What to do about it, told to clients. */
  readonly hint: string;
  /** The same request may succeed soon, here or at another node. */
  readonly retry: boolean;
}

export const FAULTS = {
  bad_url: kind(
    400,
    60,
    "that is no URL of a picture",
    "use /{prefix}/{webId}/{size}/{filename}.{ext}",
  ),
  bad_web_id: kind(400, 60, "that is no web id", "a web id is 1 to 128 of A-Z a-z 0-9 . _ ~ -"),
  bad_size: kind(
    400,
    60,
    "there is no such size",
    "use a size that this site has; a box is WIDTHxHEIGHT, each from 1 to 8192",
  ),
  bad_format: kind(
    400,
    60,
    "that is no format",
    "use jpg, png, webp, avif, gif or auto; a placeholder is webp or auto",
  ),
  bad_request: kind(400, 60, "the request cannot be met", "mend the request"),
  unauthorized: kind(
    401,
    0,
    "the token is missing or wrong",
    "send the header Authorization: Bearer with the node's admin token",
  ),
  bad_upload_key: kind(
    401,
    0,
    "the upload key is missing or wrong",
    "send a key of this site as key in meta, a JSON object; a node without any takes no uploads",
  ),
  not_found: kind(404, 5, "there is no such picture", "look at the URL"),
  method_not_allowed: kind(
    405,
    60,
    "the method is not allowed",
    "use a method of the header Allow",
  ),
  bad_digest: kind(
    400,
    60,
    "the bytes are not those that were announced",
    "send the bytes whose length and SHA-256 were announced",
  ),
  conflict: kind(409, 0, "other bytes are stored under this id", "choose another id"),
  upload_too_large: kind(413, 0, "the upload is too large", "send a picture of fewer bytes"),
  range_not_satisfiable: kind(416, 60, "there are no such bytes", "ask for bytes that exist"),
  wrong_ext: kind(
    422,
    60,
    "the name says another format than the bytes",
    "name the upload by what its bytes are",
  ),
  undecodable: kind(
    422,
    60,
    "the bytes are no picture that can be decoded",
    "replace the picture by one that is whole",
  ),
  unsupported_image: kind(
    422,
    60,
    "pictures of this format are not served",
    "use a picture that is jpg, png, webp, avif or gif",
  ),
  heic_unsupported: kind(422, 60, "HEIC cannot be decoded here", "use the picture as jpg"),
  image_too_large: kind(
    422,
    60,
    "the picture is too large",
    "use a picture of fewer pixels, frames or bytes",
  ),
  abandoned: kind(499, 0, "nobody waited for the answer any more", "ask again", true),
  blocked: kind(451, 0, "the picture was taken down", "ask for another picture"),
  withdrawn: kind(503, 0, "the picture was purged just now", "upload it again", true),
  bad_origin: kind(502, 0, "the origin store failed", "retry later", true),
  no_origin: kind(502, 0, "no level below could be reached", "retry later", true),
  peer_failed: kind(502, 0, "another node broke off", "retry", true),
  bad_frame: kind(502, 0, "another node could not be understood", "retry later", true),
  overloaded: kind(503, 0, "the node is busy", "retry after the time given", true),
  no_store: kind(503, 0, "this site keeps no uploads", "upload it elsewhere"),
  image_failed: kind(503, 0, "the picture could not be made", "retry", true),
  resolver_down: kind(503, 0, "what the web id stands for cannot be asked", "retry later", true),
  draining: kind(503, 0, "the node is shutting down", "ask another one", true),
  too_slow: kind(504, 0, "the answer did not come in time", "retry later", true),
  disk_full: kind(507, 0, "the node has no room", "retry later", true),
  unwritable: kind(503, 0, "the node cannot store anything", "retry later", true),
  internal: kind(500, 0, "unexpected failure", "tell whoever runs this site", true),
} as const satisfies Record<string, FaultKind>;

/** From here on a status tells of this mesh, not of the request. */
const INSIDE = 499;

export type FaultCode = keyof typeof FAULTS;

/** A failure with a code that callers choose by. `message` is for logs and operators; clients get `publicMessage`. */
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

/**
 * What a client may read of it (spec §2 "nothing internal leaks"): what is wrong with its request or the picture in
 * full, so that such a message names no node and no path; of what went wrong in here what the table says.
 */
export function publicMessage({ code, message }: Fault): string {
  return isInside(code) ? FAULTS[code].told : message;
}

/** What another node refused: a message that clients may read names no node, which is then its cause. */
export function refusedBy(
  code: FaultCode,
  by: { readonly told: string; readonly message?: string; readonly retryAfterMs?: number },
): Fault {
  const { told, message, retryAfterMs } = by;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (isInside(code)) return new Fault(code, told, retry);
  return new Fault(code, message ?? FAULTS[code].told, { cause: new Error(told), ...retry });
}

function isInside(code: FaultCode): boolean {
  return FAULTS[code].status >= INSIDE;
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

function kind(
  status: number,
  cacheSeconds: number,
  ...[told, hint, retry = false]: [told: string, hint: string, retry?: boolean]
): FaultKind {
  return { status, cacheSeconds, told, hint, retry };
}
