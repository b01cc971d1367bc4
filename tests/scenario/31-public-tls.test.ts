/** TLS on public listeners: served, beside a plain listener, and its certificate replaced while clients ask. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { type CertificateMaker, makeCertificates, OPENSSL } from "../support/certificates.ts";
import { type Ended, ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";
import { UPLOAD_KEY } from "../support/uploads.ts";

setDefaultTimeout(60_000);

if (OPENSSL === null) {
  test("TLS is not tried: openssl, which makes certificates, is not installed", () => {
    expect(OPENSSL).toBeNull();
  });
} else {
  describe("public listeners with a certificate", scenario);
}

function scenario(): void {
  let photos: TempDir;
  let pems: TempDir;
  let mesh: Mesh;
  let certificates: CertificateMaker;
  let ca: string;
  let port = 0;
  let plain = 0;

  const at = (file: string): string => join(pems.path, file);
  const use = (name: string): void => {
    for (const ext of ["pem", "key"]) copyFileSync(at(`${name}.${ext}`), at(`public.${ext}`));
    chmodSync(at("public.key"), 0o600);
  };

  beforeAll(async () => {
    photos = makeTempDir();
    pems = makeTempDir();
    certificates = makeCertificates(pems);
    ({ ca } = certificates.node("first", "DNS:photos.example,IP:127.0.0.1"));
    certificates.node("second", "DNS:photos.example,IP:127.0.0.1");
    use("first");
    await writePicture(photos.path, "harbour.jpg", { width: 1600, height: 1200 });
    writeFileSync(join(photos.path, "large.jpg"), Buffer.alloc(3_000_000, "large "));
    const listener = { type: "net", host: "127.0.0.1", port: 0 };
    mesh = await startMesh({
      edges: ["edge"],
      origin: { origin_dir: photos.path },
      env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
      tables: { tls: { cert: at("public.pem"), key: at("public.key") } },
      server: { workers: 2, public: [listener, { ...listener, tls: false }] },
    });
    [port = 0, plain = 0] = mesh.node("edge").ports;
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    photos?.[Symbol.dispose]();
    pems?.[Symbol.dispose]();
  });

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`https://127.0.0.1:${port}${path}`, { ...init, tls: { ca }, keepalive: false });

  /** As browsers do: once more when the connection, not the answer, has failed. */
  const patiently = <T>(work: () => Promise<T>): Promise<T> => work().catch(work);

  /** Serial number of the certificate that a new connection is shown. */
  const serial = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on("error", reject);
    });

  test("serve pictures, hits, ranges and large files as plain ones do", async () => {
    for (const [path, range] of [
      ["/puddle/harbour/md/a.jpg", undefined],
      ["/puddle/harbour/md/a.jpg", undefined],
      ["/puddle/harbour/md/a.jpg", "bytes=100-199"],
    ] as const) {
      const headers: Record<string, string> = range === undefined ? {} : { range };
      const secure = await ask(path, { headers });
      const open = await fetch(`http://127.0.0.1:${plain}${path}`, { headers });
      expect(secure.status).toBe(open.status);
      expect(secure.headers.get("etag")).toBe(open.headers.get("etag"));
      expect(await secure.bytes()).toEqual(await open.bytes());
    }
    for (const range of [undefined, "bytes=1000000-2999999"]) {
      const headers: Record<string, string> = range === undefined ? {} : { range };
      const large = await (await ask("/puddle/large/orig/a.jpg", { headers })).bytes();
      const whole = Buffer.alloc(3_000_000, "large ");
      const wanted = range === undefined ? whole : whole.subarray(1_000_000);
      expect(Buffer.from(large).equals(wanted)).toBe(true);
    }
  });

  test("tell in /metrics when the time of their certificate is over", async () => {
    const unix = join(mesh.node("edge").cacheDir, ".mir/admin.sock");
    const text = await (await fetch("http://admin/metrics", { unix })).text();
    const [, end] =
      /^mir_certificate_expiry_seconds\{certificate="public"\} (\d+)$/m.exec(text) ?? [];
    const { validTo } = new X509Certificate(readFileSync(at("public.pem")));
    expect(Number(end) * 1000).toBe(Date.parse(validTo));
  });

  test("do not answer plain HTTP", async () => {
    const answer = fetch(`http://127.0.0.1:${port}/healthz`).then((a) => a.status);
    await expect(answer).rejects.toThrow();
  });

  test("take pictures of mir upload, once it trusts the authority of their certificate", async () => {
    const send = (env: Record<string, string>): Promise<Ended> => {
      const args = [
        "upload",
        "--url",
        `https://127.0.0.1:${port}`,
        join(photos.path, "harbour.jpg"),
      ];
      const child = Bun.spawn([EXECUTABLE, ...args], {
        env: { ...process.env, MIR_UPLOAD_KEY: UPLOAD_KEY, ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      return ended(child);
    };
    const stranger = await send({});
    expect(stranger.code).toBe(1);
    expect(stranger.err).toContain(`the certificate of 127.0.0.1:${port} is not trusted`);
    expect(stranger.err).toContain("NODE_EXTRA_CA_CERTS");
    expect(await send({ NODE_EXTRA_CA_CERTS: at("ca.pem") })).toMatchObject({ code: 0 });
  });

  test("take another certificate at SIGHUP, and no request of a client that repeats once fails", async () => {
    const before = await serial();
    let asking = true;
    const statuses = new Set<number>();
    const load = (async () => {
      while (asking) {
        const [status] = await patiently(async () => {
          const answer = await ask("/puddle/harbour/md/a.jpg");
          return [answer.status, await answer.bytes()] as const;
        });
        statuses.add(status);
      }
    })();
    use("second");
    mesh.node("edge").process.kill("SIGHUP");
    await until(() => mesh.node("edge").log().includes("tls.replaced"), "told");
    // both workers, whichever the kernel chooses
    await until(async () => {
      const seen = await Promise.all(Array.from({ length: 12 }, () => patiently(serial)));
      return seen.every((one) => one !== before);
    }, "every worker shows the new one");
    asking = false;
    await load;
    expect([...statuses]).toEqual([200]);
  });

  test("keep the one they have when the next cannot be used", async () => {
    const before = await serial();
    copyFileSync(at("first.pem"), at("public.pem"));
    mesh.node("edge").process.kill("SIGHUP");
    await until(() => mesh.node("edge").log().includes("does not belong to"), "told");
    expect(await mesh.counter("edge", "reload_refused")).toBe(1);
    expect(await serial()).toBe(before);
    certificates.node("late", "IP:127.0.0.1", "long-ago");
    use("late");
    mesh.node("edge").process.kill("SIGHUP");
    await until(() => mesh.node("edge").log().includes("whoever connects refuses it"), "told");
    expect(await serial()).toBe(before);
    use("first");
    copyFileSync(at("second.pem"), at("public.pem"));
  });

  test("a node does not start with one that cannot be used, and says which file", async () => {
    await mesh.kill("edge", "SIGTERM");
    await expect(mesh.start("edge")).rejects.toThrow("public.key does not belong to");
  });
}
