/** An origin on the S3 server that fails as told. */

import { type Origin, openOrigins } from "../../src/origin/origin.ts";
import type { FaultyS3, S3Fault } from "./faulty-s3.ts";
import { type WatchedParts, watchedParts } from "./watched-parts.ts";

/** Long enough for loopback, short enough for a test that waits it out. */
export const SHORT_WAITS = { probeMs: 150, headMs: 150, stallMs: 150, storedMs: 150 };

export function openS3(
  s3: FaultyS3,
  parts: WatchedParts = watchedParts(),
  more: {
    readonly secrets?: FaultyS3["keys"] | undefined;
    readonly waits?: typeof SHORT_WAITS;
  } = { secrets: s3.keys },
): Origin {
  const secrets = "secrets" in more ? more.secrets : s3.keys;
  const spec = { kind: "s3", name: "origin", endpoint: s3.endpoint, region: "eu-test-1" } as const;
  const origin = openOrigins([{ ...spec, bucket: "photos", prefix: "", pathStyle: true }], {
    ...parts,
    ...more,
    secrets,
  });
  if (origin === undefined) throw new Error("no origin");
  return origin;
}

/** For the bodies only. */
export function onGet(fault: S3Fault): FaultyS3["fault"] {
  return ({ method }) => (method === "GET" ? fault : undefined);
}

/** Then all is well. */
export function failFirst(s3: FaultyS3, times: number, fault: S3Fault): void {
  let left = times;
  s3.fault = () => (left-- > 0 ? fault : undefined);
}
