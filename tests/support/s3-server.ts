/** A real S3 server, s3rver, which none of us wrote: in this process, on loopback, with its own directory. */

import S3rver from "s3rver";
import { makeTempDir } from "./temp-dir.ts";

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly bucket: string;
  /** The only keys s3rver knows. */
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  put(key: string, content: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(makeTempDir());
  const bucket = "photos";
  const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory: dir.path,
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  stack.defer(() => server.close());
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new Bun.S3Client({ ...keys, endpoint, bucket, region: "us-east-1" });
  const kept = stack.move();
  return {
    endpoint,
    bucket,
    keys,
    async put(key, content) {
      await client.write(key, content);
    },
    async remove(key) {
      await client.delete(key);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
