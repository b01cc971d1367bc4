/** TLS files of a node: good ones are read, others are told by name. */

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { certificateGauges, tellOfMeshCertificate } from "../../../src/node/certificates.ts";
import {
  certificateTrouble,
  endOf,
  notItsOwn,
  readCredentials,
} from "../../../src/node/credentials.ts";
import { makeLog } from "../../../src/observe/log.ts";
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

    test("of another authority are told; those of one of two, or of their own, are not", () => {
      using elsewhere = makeTempDir();
      makeCertificates(elsewhere).node("node", "DNS:node");
      const ca = join(elsewhere.path, "ca.pem");
      expect(certificateTrouble({ ...files, ca })).toContain("is not signed by tls_ca");
      const both = [files.ca, ca].map((path) => readFileSync(path, "utf8")).join("");
      expect(certificateTrouble({ ...files, ca: dir.write("both.pem", both) })).toBeUndefined();
      certificates.node("itself", "DNS:itself", "by-itself");
      const itself = { cert: at("itself.pem"), key: at("itself.key"), ca: at("itself.pem") };
      expect(certificateTrouble(itself)).toBeUndefined();
    });

    const privates = (...hosts: string[]) => hosts.map((host) => ({ host }));
    const own: [string, string, string[], string | undefined][] = [
      [
        "that is good for where it is dialled",
        "node",
        ["127.0.0.1", "node", "a.example"],
        undefined,
      ],
      ["of another node", "edge-1", ["127.0.0.1"], "is edge-1"],
      ["of another address", "node", ["127.0.0.1", "10.0.0.9", "b.example"], "10.0.0.9, b.example"],
      [
        "of all nodes of a domain, which is nobody's",
        "x.wild.example",
        ["x.wild.example"],
        "is x.",
      ],
    ];
    for (const [what, name, hosts, told] of own) {
      test(`are looked at for whose they are: one ${what}`, () => {
        const names = "DNS:node,DNS:a.example,DNS:*.wild.example,IP:127.0.0.1";
        const { cert } = certificates.node("node", names);
        const trouble = notItsOwn({ name, privates: privates(...hosts) }, cert);
        if (told === undefined) expect(trouble).toBeUndefined();
        else expect(trouble).toContain(told);
      });
    }

    test("that peers will refuse are told at a start", () => {
      const lines: string[] = [];
      const log = makeLog({ node: "x", json: true, level: "info", write: (l) => lines.push(l) });
      const topology = { security: { tls: files } };
      const self = { name: "node", privates: privates("node") };
      const tell = (name: string) => {
        const { tls } = readCredentials([], {
          ...files,
          cert: at(`${name}.pem`),
          key: at(`${name}.key`),
        });
        tellOfMeshCertificate({ keys: [], tls }, { topology, self, log });
        return lines.splice(0).map((line) => JSON.parse(line).event);
      };
      expect(tell("node")).toEqual([]);
      expect(tell("other")).toEqual(["tls.not_its_own"]);
      expect(tell("late")).toEqual(["tls.out_of_time", "tls.not_its_own"]);
    });

    test("have a gauge of when their time is over", () => {
      const now = { cert: at("late.pem"), key: "" };
      const [cert, late] = [files.cert, now.cert].map((path) => readFileSync(path, "utf8"));
      const tls = { cert: cert ?? "", key: "", ca: "" };
      const gauges = certificateGauges({
        credentials: { keys: [], tls },
        publicTls: { now: { ...now, cert: late ?? "" } },
      });
      const seconds = Date.now() / 1000;
      expect(gauges.map(({ labels }) => labels?.["certificate"])).toEqual(["mesh", "public"]);
      expect(gauges[0]?.value).toBe(endOf(tls.cert));
      expect(gauges[0]?.value).toBeGreaterThan(seconds);
      expect(gauges[1]?.value).toBeLessThan(seconds);
      expect(
        certificateGauges({ credentials: { keys: [] }, publicTls: { now: undefined } }),
      ).toEqual([]);
    });
  });
}
