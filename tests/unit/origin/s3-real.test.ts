/** An S3 store as origin, against a server that none of us wrote. */

import { openOrigins } from "../../../src/origin/origin.ts";
import { originContract, type StoreUnderTest } from "../../contract/origin.ts";
import { originPutContract } from "../../contract/origin-put.ts";
import { startS3Server } from "../../support/s3-server.ts";

const start = async (): Promise<StoreUnderTest> => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startS3Server());
  const { endpoint, bucket, keys: secrets } = server;
  const kept = stack.move();
  return {
    put: (path, bytes) => server.put(`originals/${path}`, bytes),
    keepsCutPuts: true,
    remove: (path) => server.remove(`originals/${path}`),
    open(parts) {
      const spec = { kind: "s3", name: "origin", endpoint, bucket, region: undefined } as const;
      const more = { prefix: "originals/", pathStyle: true };
      const origin = openOrigins([{ ...spec, ...more }], { ...parts, secrets });
      if (origin === undefined) throw new Error("no origin");
      return origin;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
};

originContract("an S3 store (s3rver)", start);
originPutContract("an S3 store (s3rver)", start);
