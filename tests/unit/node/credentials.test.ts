/** TLS files of a node: good ones are read, others are told by name. */

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { certificateTrouble, readCredentials } from "../../../src/node/credentials.ts";
import { makeCertificates, OPENSSL } from "../../support/certificates.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

test("a node without TLS files has its keys alone", () => {
  expect(readCredentials(["k"], undefined)).toEqual({ keys: ["k"], tls: undefined });
});

if (OPENSSL === null) {
  test("TLS files are not tried: openssl, which makes them, is not installed", () => {
    expect(OPENSSL).toBeNull();
  });
} else {
  const dir = makeTempDir();
  const certificates = makeCertificates(dir);
  const pem = certificates.node("node", "DNS:node");
  certificates.node("other", "DNS:other");
  afterAll(() => dir[Symbol.dispose]());
  const at = (file: string) => join(dir.path, file);
  const files = { cert: at("node.pem"), key: at("node.key"), ca: at("ca.pem") };

  describe("TLS files", () => {
    test("are read as they are", () => {
      expect(readCredentials([], files)).toEqual({ keys: [], tls: pem });
    });

    const wrong: [string, Partial<typeof files>, string][] = [
      [
        "that are not there",
        { ca: at("none.pem") },
        `tls_ca ${at("none.pem")} cannot be read (ENOENT)`,
      ],
      ["that are no PEM", { cert: dir.write("text", "no certificate") }, "tls_cert"],
      ["whose key is a certificate", { key: at("ca.key"), cert: at("ca.key") }, "tls_cert"],
      ["whose key belongs to another one", { key: at("other.key") }, "does not belong"],
    ];
    for (const [name, change, told] of wrong) {
      test(`${name} are refused`, () => {
        expect(() => readCredentials([], { ...files, ...change })).toThrow(told);
      });
    }

    test("with a key that everybody can read are refused", () => {
      chmodSync(files.key, 0o644);
      expect(() => readCredentials([], files)).toThrow("chmod 600");
      const swapped = { ...files, cert: files.key, key: files.cert };
      expect(() => readCredentials([], swapped)).toThrow("is not PEM that can be used");
      chmodSync(files.key, 0o640);
      expect(readCredentials([], files).tls).toEqual(pem);
    });

    test("are told of without being used", () => {
      const { ca: _, ...pair } = files;
      const another = { key: at("other.key") };
      expect(certificateTrouble(pair)).toBeUndefined();
      expect(certificateTrouble(files)).toBeUndefined();
      expect(certificateTrouble({ ...pair, ...another })).toContain("[tls] key");
      expect(certificateTrouble({ ...files, ...another })).toContain("tls_key");
      certificates.node("late", "DNS:late", "long-ago");
      const late = { cert: at("late.pem"), key: at("late.key") };
      expect(certificateTrouble(late)).toContain("[tls] cert");
      expect(certificateTrouble({ ...files, ...late })).toContain("whoever connects refuses it");
    });
  });
}
