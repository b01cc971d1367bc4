/** A mesh whose nodes know each other by a control key: who is let in, and how the key is changed. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates, OPENSSL } from "../support/certificates.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const OLD = "the key of last year";
const NEW = "the key of this year";
const NAMES = ["edge", "regional"] as const;
let photos: string;
let mesh: Mesh;
let pictures = 0;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  mesh = await startMesh({
    edges: ["edge"],
    regionals: ["regional"],
    origin: { origin_dir: photos },
    env: { MIR_CONTROL_KEY: OLD },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

/** Status of a picture that nobody has asked for: the edge has not got it. */
async function askFresh(): Promise<number> {
  pictures++;
  await writePicture(photos, `picture${pictures}.jpg`, { width: 400, height: 300 });
  return (await mesh.get("edge", `/puddle/picture${pictures}/xs/a.jpg`)).status;
}

/** Pictures come, and before long from the regional again: nodes that were just restarted have to find each other. */
async function servedByRegional(): Promise<void> {
  const before = await mesh.counter("regional", "peer_request");
  await until(async () => {
    expect(await askFresh()).toBe(200);
    return (await mesh.counter("regional", "peer_request")) > before;
  }, "the regional is asked");
}

async function restart(name: string, key: string): Promise<void> {
  await mesh.kill(name, "SIGTERM");
  await mesh.start(name, { MIR_CONTROL_KEY: key });
}

describe("nodes with a control key", () => {
  test("serve each other", async () => {
    expect(await askFresh()).toBe(200);
    expect(await mesh.counter("regional", "peer_request")).toBeGreaterThan(0);
  });

  test("change it one after the other, and pictures come all the while", async () => {
    for (const key of [`${NEW},${OLD}`, NEW]) {
      for (const name of NAMES) {
        await restart(name, key);
        await servedByRegional();
      }
    }
  });

  test("serve nothing to a node with another key, and count it", async () => {
    const before = await mesh.counter("regional", "peer_request");
    await restart("edge", OLD);
    // the level that lets nobody in is skipped: the edge opens the folder itself
    expect(await askFresh()).toBe(200);
    await until(async () => (await mesh.counter("regional", "auth_refused")) > 0, "it is refused");
    expect(await mesh.counter("regional", "peer_request")).toBe(before);
    expect(mesh.node("regional").log()).toContain("only other control keys");
    await restart("edge", NEW);
    await servedByRegional();
  });
});

test("nodes with certificates serve each other over TLS (nothing to see without openssl)", async () => {
  if (OPENSSL === null) return;
  using dir = makeTempDir();
  const certificates = makeCertificates(dir);
  const names = (...nodes: string[]) => ["IP:127.0.0.1", ...nodes.map((n) => `DNS:${n}`)].join();
  certificates.node("node", names("edge-1", "edge-2", "regional"));
  const at = (file: string) => join(dir.path, file);
  const security = { tls_cert: at("node.pem"), tls_key: at("node.key"), tls_ca: at("ca.pem") };
  await writePicture(photos, "secret1.jpg", { width: 2400, height: 1600 });
  await using secured = await startMesh({
    edges: ["edge-1", "edge-2"],
    regionals: ["regional"],
    origin: { origin_dir: photos },
    tables: { security },
  });
  const answers = await Promise.all(
    ["edge-1", "edge-2"].map((name) => secured.get(name, "/puddle/secret1/lg/a.jpg")),
  );
  expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  const [one, two] = await Promise.all(answers.map((answer) => answer.bytes()));
  expect(Bun.hash(one ?? "")).toBe(Bun.hash(two ?? "?"));
  const before = await secured.counter("regional", "peer_request");
  expect(before).toBeGreaterThan(0);

  // the CA has signed it too, but for the others: whoever stole it does not become edge-1 by saying so
  certificates.node("node", names("edge-2", "regional"));
  await secured.kill("edge-1");
  await secured.start("edge-1");
  await writePicture(photos, "secret2.jpg", { width: 2400, height: 1600 });
  const alone = await secured.get("edge-1", "/puddle/secret2/lg/a.jpg");
  expect(alone.status).toBe(200);
  await until(async () => (await secured.counter("regional", "auth_refused")) > 0, "refused");
  expect(await secured.counter("regional", "peer_request")).toBe(before);
  expect(secured.node("regional").log()).toContain("edge-1 shows the certificate of CN=node");
});
