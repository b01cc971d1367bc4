/** Certificates for tests, made with openssl: a CA, nodes signed by it, and strangers. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsPem } from "../../src/mesh/credentials.ts";
import type { TempDir } from "./temp-dir.ts";

export const OPENSSL = Bun.which("openssl");

export interface CertificateMaker {
  /** Good for these names: `DNS:…` or `IP:…`. Signed by the CA, which may have been long ago, or by itself. */
  node(name: string, names: string, signed?: "by-ca" | "by-itself" | "long-ago"): TlsPem;
}

/** `dir` gets `{name}.pem`, `{name}.key` and `ca.pem`. */
export function makeCertificates(dir: TempDir): CertificateMaker {
  const at = (file: string): string => join(dir.path, file);
  const text = (file: string): string => readFileSync(at(file), "utf8");
  const key = "ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(" ");
  const run = (...args: string[]): void => {
    const { exitCode, stderr } = Bun.spawnSync([OPENSSL ?? "openssl", ...args], { cwd: dir.path });
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr.toString()}`);
  };
  const selfSigned = (name: string, ...more: string[]): void => {
    const out = ["-keyout", at(`${name}.key`), "-out", at(`${name}.pem`)];
    run("req", "-x509", "-newkey", ...key, ...out, "-days", "2", "-subj", `/CN=${name}`, ...more);
  };
  selfSigned("ca");
  return {
    node(name, names, signed = "by-ca") {
      if (signed === "by-itself") selfSigned(name, "-addext", `subjectAltName=${names}`);
      else {
        const [keyFile, request] = [at(`${name}.key`), at(`${name}.csr`)];
        run("req", "-newkey", ...key, "-keyout", keyFile, "-out", request, "-subj", `/CN=${name}`);
        const usage = "extendedKeyUsage=serverAuth,clientAuth";
        const ext = dir.write(`${name}.ext`, Buffer.from(`subjectAltName=${names}\n${usage}\n`));
        const ca = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
        const days = signed === "long-ago" ? "-1" : "2";
        const out = ["-days", days, "-extfile", ext, "-out", at(`${name}.pem`)];
        run("x509", "-req", "-in", request, ...ca, ...out);
      }
      return { cert: text(`${name}.pem`), key: text(`${name}.key`), ca: text("ca.pem") };
    },
  };
}
