/** Checks AWS Signature Version 4 the way a store does: in headers and in presigned URLs. */

export interface SignedRequest {
  readonly method: string;
  /** As sent: path and query, percent-encoded. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** undefined when the signature holds, else the S3 error code. */
export function signatureFault(
  request: SignedRequest,
  keys: Keys,
  nowMs: number,
): string | undefined {
  const [path = "", search = ""] = request.target.split("?", 2);
  const query = search.split("&").filter((pair) => pair !== "");
  const claim = claimInQuery(query) ?? claimInHeader(request.headers.get("authorization") ?? "");
  if (claim === undefined) return "AccessDenied";
  const [keyId, day = "", region = "", service = "", end] = claim.credential.split("/");
  if (keyId !== keys.accessKeyId) return "InvalidAccessKeyId";
  if (service !== "s3" || end !== "aws4_request") return "AuthorizationHeaderMalformed";

  const date = claim.date ?? request.headers.get("x-amz-date") ?? "";
  const ageSeconds = (nowMs - secondsOf(date) * 1000) / 1000;
  if (!(ageSeconds < claim.expires && ageSeconds > -900)) return "AccessDenied";

  const headers = claim.signed
    .split(";")
    .map((name) => `${name}:${request.headers.get(name) ?? ""}\n`);
  const canonical = [
    request.method,
    path,
    query
      .filter((pair) => !pair.startsWith("X-Amz-Signature="))
      .toSorted()
      .join("&"),
    headers.join(""),
    claim.signed,
    claim.payload ?? request.headers.get("x-amz-content-sha256") ?? "",
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${keys.secretAccessKey}`),
  );
  return hmac(key, text).toString("hex") === claim.signature ? undefined : "SignatureDoesNotMatch";
}

interface Claim {
  readonly credential: string;
  readonly signed: string;
  readonly signature: string;
  readonly date: string | undefined;
  readonly expires: number;
  readonly payload: string | undefined;
}

function claimInQuery(query: readonly string[]): Claim | undefined {
  const value = (name: string): string =>
    decodeURIComponent(
      query.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "",
    );
  if (value("X-Amz-Signature") === "") return undefined;
  return {
    credential: value("X-Amz-Credential"),
    signed: value("X-Amz-SignedHeaders"),
    signature: value("X-Amz-Signature"),
    date: value("X-Amz-Date"),
    expires: Number(value("X-Amz-Expires")),
    payload: "UNSIGNED-PAYLOAD",
  };
}

function claimInHeader(header: string): Claim | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      header,
    );
  const [, credential, signed, signature] = match ?? [];
  if (credential === undefined || signed === undefined || signature === undefined) return undefined;
  return { credential, signed, signature, date: undefined, expires: 900, payload: undefined };
}

/** `20260131T235959Z` */
function secondsOf(date: string): number {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  return Date.parse(iso) / 1000;
}

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return new Bun.CryptoHasher("sha256", key).update(text).digest();
}
