/** `mir upload`: files into a mesh, from a terminal or a script. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { sha256Of, UPLOAD_KEY } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

let dir: TempDir;
let mesh: Mesh;
let pictures: readonly Uint8Array[];

beforeAll(async () => {
  dir = makeTempDir();
  pictures = await Promise.all([300, 301].map((width) => drawJpeg({ width, height: 200 })));
  pictures.forEach((picture, i) => {
    dir.write(`photo-${i}.jpg`, picture);
  });
  dir.write("text.jpg", "no picture at all");
  dir.write("store/.keep", "");
  mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    regionals: ["regional-1"],
    origin: { origin_dir: join(dir.path, "store") },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  dir?.[Symbol.dispose]();
});

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = Bun.spawn([EXECUTABLE, "upload", ...args], {
    cwd: dir.path,
    env: { ...process.env, MIR_UPLOAD_KEY: UPLOAD_KEY, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return await ended(child);
}

describe("mir upload", () => {
  test("sends several files; each is told and can be asked for", async () => {
    const { url } = mesh.node("edge-1");
    const { code, out } = await run(["--url", url, "--json", "photo-0.jpg", "photo-1.jpg"]);
    const lines = out.trim().split("\n");
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect({ code, files: told.map((t) => t["file"]) }).toEqual({
      code: 0,
      files: ["photo-0.jpg", "photo-1.jpg"],
    });
    for (const [i, line] of told.entries()) {
      const picture = pictures[i] ?? Buffer.of();
      expect(line).toMatchObject({
        created: true,
        digest: sha256Of(picture),
        propagated: "queued",
      });
      const served = await mesh.get("edge-2", `/puddle/${line["contentId"]}/orig/a.jpg`);
      expect(Buffer.compare(await served.bytes(), picture)).toBe(0);
    }
  });

  test("takes an id for one picture, and says when it was there already", async () => {
    const flags = ["--url", mesh.node("edge-2").url, "--content-id", "by-command-1"];
    const first = await run([...flags, "--web-id", "my.photo", "photo-0.jpg"]);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toMatch(/^photo-0.jpg {2}uploaded: by\/-c\/om\/orig\/by-command-1.jpg \(/);
    const again = await run([...flags, "photo-0.jpg"]);
    expect([again.code, again.out]).toEqual([0, expect.stringMatching(/already there/)]);
  });

  test("goes on after a file that is refused, and ends with 1", async () => {
    const { url } = mesh.node("edge-1");
    const ended = await run(["--url", url, "text.jpg", "missing.jpg", ".", "photo-1.jpg"]);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(/text.jpg: the bytes are no picture/);
    expect(ended.err).toMatch(/missing.jpg: the file cannot be read/);
    expect(ended.err).toMatch(/mir: .: that is no file/);
    expect(ended.out).toMatch(/^photo-1.jpg {2}already there/);
  });

  test("takes the key from a file that others cannot read", async () => {
    const { url } = mesh.node("edge-1");
    const file = dir.write("key", `${UPLOAD_KEY}\n`);
    const flags = ["--url", url, "--key-file", file, "photo-0.jpg"];
    chmodSync(file, 0o644);
    const open = await run(flags);
    expect([open.code, open.err]).toEqual([1, expect.stringMatching(/chmod 600/)]);
    chmodSync(file, 0o600);
    expect(await run(flags, { MIR_UPLOAD_KEY: "" })).toMatchObject({ code: 0 });
    // the secrets file of the node will do as well
    writeFileSync(file, `# secrets\nMIR_ADMIN_TOKEN=other\nMIR_UPLOAD_KEYS = ${UPLOAD_KEY},old\n`);
    expect(await run(flags, { MIR_UPLOAD_KEY: "" })).toMatchObject({ code: 0 });
    writeFileSync(file, "MIR_ADMIN_TOKEN=other\n");
    const none = await run(flags);
    expect([none.code, none.err]).toEqual([1, expect.stringMatching(/MIR_UPLOAD_KEYS = key/)]);
    const wrong = await run(["--url", url, "photo-0.jpg"], { MIR_UPLOAD_KEY: "guess" });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/missing or wrong/)]);
  }, 20_000);

  test.each([
    [["photo-0.jpg"], /say where to/],
    [["--url", "edge-1:80", "photo-0.jpg"], /expected http/],
    [["--url", "http://a", "--content-id", "abcdef", "photo-0.jpg", "b"], /single picture/],
    [["--url", "http://a", "--content-id", "a/b", "photo-0.jpg"], /--content-id a\/b/],
    [["--url", "http://a", "--web-id", "a/b", "photo-0.jpg"], /--web-id a\/b/],
    [["--url", "http://a", "--colour", "photo-0.jpg"], /unknown flag --colour/],
    [["--url", "http://a"], /FILES|files/],
  ])("%j is wrong usage", async (flags, why) => {
    const { code, err } = await run(flags);
    expect([code, err]).toEqual([2, expect.stringMatching(why)]);
  });

  test("no key, or a listener whose port is only known at start, is wrong usage", async () => {
    const none = await run(["--url", "http://a", "photo-0.jpg"], { MIR_UPLOAD_KEY: "" });
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/MIR_UPLOAD_KEY/)]);
    const flags = ["--topology", mesh.topologyFile, "--server"];
    const port = await run([...flags, "edge-1", "photo-0.jpg"]);
    expect([port.code, port.err]).toEqual([2, expect.stringMatching(/any free port/)]);
    const env = { MIR_TOPOLOGY: mesh.topologyFile, MIR_SERVER: "edge-1" };
    expect(await run(["photo-0.jpg"], env)).toEqual(port);
    const inner = await run([...flags, "regional-1", "photo-0.jpg"]);
    expect([inner.code, inner.err]).toEqual([2, expect.stringMatching(/no public net listener/)]);
  });

  test("a node that does not answer is told after a few tries", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = listener;
    listener.stop(true);
    const ended = await run(["--url", `http://127.0.0.1:${port}`, "photo-0.jpg"]);
    expect([ended.code, ended.err]).toEqual([1, expect.stringMatching(/does not answer/)]);
  }, 30_000);
});
