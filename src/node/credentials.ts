/** What this node shows its peers: control keys from the secrets, TLS files named by the topology. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { systemClock } from "../base/clock.ts";
import { errnoOf } from "../base/errno.ts";
import { asFault, Fault } from "../base/fault.ts";
import type { ServerPem } from "../http/public-listener.ts";
import { isFor } from "../mesh/certificate.ts";
import type { Credentials, TlsPem } from "../mesh/credentials.ts";
import type { CertificateFiles, TlsFiles } from "../topology/topology.ts";

/** The keys of the topology, for messages. */
const NAMES = {
  mesh: { cert: "tls_cert", key: "tls_key" },
  public: { cert: "[tls] cert", key: "[tls] key" },
} as const;

/** Throws a Fault that says which file cannot be used and why. */
export function readCredentials(keys: readonly string[], files: TlsFiles | undefined): Credentials {
  return { keys, tls: files === undefined ? undefined : readTls(files) };
}

/** Read once, when the node starts: other files take effect with a restart. */
function readTls(files: TlsFiles): TlsPem {
  const pair = readPair(files, NAMES.mesh);
  const ca = read("tls_ca", files.ca);
  parsed("tls_ca", files.ca, () => new X509Certificate(ca));
  return { ...pair, ca };
}

/** What public listeners show (`[tls]`). Throws a Fault that says which file cannot be used and why. */
export function readPublicTls(files: CertificateFiles): ServerPem {
  return readPair(files, NAMES.public);
}

/**
 * What is wrong with these, for whoever looks before a start; undefined where nothing is. What that one may not
 * read says nothing: the node may run as somebody else.
 */
export function certificateTrouble(files: CertificateFiles | TlsFiles): string | undefined {
  try {
    if (!("ca" in files)) return outOfTime(files, readPublicTls(files).cert);
    const shown = readTls(files);
    return outOfTime(files, shown.cert) ?? untrusted(files, shown);
  } catch (error) {
    const { message, cause } = asFault(error);
    if (errnoOf(cause) === "EACCES") return undefined;
    return `${message}: mir serve refuses to start with it`;
  }
}

/** That a certificate, read from one of these, is not good today; undefined where it is. */
export function outOfTime(files: CertificateFiles | TlsFiles, cert: string): string | undefined {
  const name = ("ca" in files ? NAMES.mesh : NAMES.public).cert;
  return notToday(`${name} ${files.cert}`, new X509Certificate(cert));
}

function notToday(told: string, { validFrom, validTo }: X509Certificate): string | undefined {
  const now = systemClock.wallSeconds() * 1000;
  if (now >= Date.parse(validFrom) && now <= Date.parse(validTo)) return undefined;
  return `${told} is good from ${validFrom} to ${validTo}: whoever connects refuses it`;
}

/**
 * That this node's peers will refuse the certificate it shows them, which bears another name or is not good for where
 * they dial it (docs/protocol.md "Authentication"); undefined where it is its own.
 */
export function notItsOwn(
  self: { readonly name: string; readonly privates: readonly { readonly host: string }[] },
  cert: string,
): string | undefined {
  const certificate = new X509Certificate(cert);
  const goodFor = (host: string): boolean =>
    (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
  if (!isFor(self.name, certificate)) {
    return `neither its CN nor one of its DNS names is ${self.name}`;
  }
  const elsewhere = self.privates.map(({ host }) => host).filter((host) => !goodFor(host));
  return elsewhere.length === 0 ? undefined : `it is not good for ${elsewhere.join(", ")}`;
}

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** That nobody who trusts `tls_ca` takes the certificate beside it, as after a change of authority in one of the files. */
export function untrusted(files: TlsFiles, { cert, ca }: TlsPem): string | undefined {
  const authorities = certificatesIn(ca);
  const [own, ...others] = certificatesIn(cert);
  // each step leads one further up the chain, which has no more than these
  for (let last = own, steps = others.length; last !== undefined && steps >= 0; steps--) {
    const authority = signerOf(last, authorities);
    if (authority !== undefined) return notToday(`tls_ca ${files.ca}`, authority);
    last = signerOf(last, others);
  }
  return `tls_cert ${files.cert} is not signed by tls_ca ${files.ca}: its peers refuse it`;
}

function certificatesIn(pem: string): X509Certificate[] {
  return [...pem.matchAll(ONE_CERTIFICATE)].map(([one]) => new X509Certificate(one));
}

function signerOf(
  signed: X509Certificate,
  among: readonly X509Certificate[],
): X509Certificate | undefined {
  return among.find((other) => signed.checkIssued(other) && signed.verify(other.publicKey));
}

/** The Unix second at which the time of a certificate is over. */
export function endOf(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo) / 1000;
}

/** `names` are those of the keys, for messages. */
function readPair(
  files: CertificateFiles,
  names: { readonly cert: string; readonly key: string },
): ServerPem {
  const pem = { cert: read(names.cert, files.cert), key: read(names.key, files.key) };
  const certificate = parsed(names.cert, files.cert, () => new X509Certificate(pem.cert));
  const key = parsed(names.key, files.key, (): KeyObject => createPrivateKey(pem.key));
  // by now it is one: who has named the certificate in its place should not be told to hide that
  const { mode } = statOf(names.key, files.key);
  if ((mode & 0o007) !== 0) {
    throw new Fault("bad_request", `everybody can read ${names.key} ${files.key}: chmod 600 it`);
  }
  if (!certificate.checkPrivateKey(key)) {
    const told = `${names.key} ${files.key} does not belong to ${names.cert} ${files.cert}`;
    throw new Fault("bad_request", told);
  }
  return pem;
}

function parsed<T>(name: string, path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Fault("bad_request", `${name} ${path} is not PEM that can be used`, { cause });
  }
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(name, path, cause);
  }
}

function statOf(name: string, path: string): { readonly mode: number } {
  try {
    return statSync(path);
  } catch (cause) {
    throw unreadable(name, path, cause);
  }
}

function unreadable(name: string, path: string, cause: unknown): Fault {
  return new Fault("bad_request", `${name} ${path} cannot be read (${errnoOf(cause)})`);
}
