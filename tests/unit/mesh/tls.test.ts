/** Control connections over TLS: both ends need a certificate of the mesh's CA (spec §3). */

import { afterAll, describe, expect, test } from "bun:test";
import { AuthRefused } from "../../../src/mesh/auth.ts";
import type { TlsPem } from "../../../src/mesh/credentials.ts";
import { encodeRequest } from "../../../src/wire/encode.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import { makeCertificates, OPENSSL } from "../../support/certificates.ts";
import {
  answerOf,
  dialRaw,
  noise,
  RELNAME,
  startAsker,
  startOwner,
  variantOf,
} from "../../support/peers.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(20_000_000);
const KEY = "the key of this year";

function startSecured(tls: TlsPem, change: object = {}) {
  let asked = 0;
  const owner = startOwner(
    {
      ask: async () => {
        asked++;
        return answerOf(CONTENT);
      },
      save: async ({ body }) => ({ note: String(Bun.hash(await readAll(body))) }),
    },
    { credentials: { keys: [], tls }, ...change },
  );
  return Object.assign(owner, { asked: () => asked });
}

if (OPENSSL === null) {
  test("TLS is not tried: openssl, which makes the certificates, is not installed", () => {
    expect(OPENSSL).toBeNull();
  });
} else {
  const dir = makeTempDir();
  const certificates = makeCertificates(dir);
  const owner = certificates.node("owner", "IP:127.0.0.1,DNS:localhost");
  const asker = certificates.node("asker", "DNS:asker.example.com");
  const stranger = certificates.node("stranger", "IP:127.0.0.1", "by-itself");
  afterAll(() => dir[Symbol.dispose]());
  const askerOf = (port: number, tls?: TlsPem, keys: readonly string[] = []) =>
    startAsker(port, { credentials: { keys, tls }, deadlines: { helloMs: 2000 } });

  describe("nodes with certificates", () => {
    test("ask and tell each other as they do without", async () => {
      await using node = startSecured(owner);
      using peer = askerOf(node.port, asker);
      for (let i = 0; i < 3; i++) {
        const received = await readAll((await peer.ask()).body);
        expect(Buffer.compare(received, CONTENT)).toBe(0);
      }
      const path = dir.write("content", CONTENT);
      const told = await peer.tell({ kind: "save", meta: variantOf(CONTENT.length), path });
      expect(told.note).toBe(String(Bun.hash(CONTENT)));
      expect(node.listener.connections).toBe(1);
      expect([node.count("auth_refused"), node.count("peer_refused")]).toEqual([0, 0]);
    });

    test("prove the control key too where there is one", async () => {
      await using node = startSecured(owner, { credentials: { keys: [KEY], tls: owner } });
      using peer = askerOf(node.port, asker, [KEY]);
      expect(await readAll((await peer.ask()).body)).toHaveLength(CONTENT.length);
      using keyless = askerOf(node.port, asker);
      expect(await codeOf(keyless.ask())).toBe("peer_failed");
      expect(node.count("auth_refused")).toBe(1);
    });

    test("may be named by a DNS name instead of the CN", async () => {
      const machine = certificates.node("machine-7", "IP:127.0.0.1,DNS:owner,DNS:asker");
      await using node = startSecured(machine);
      using peer = askerOf(node.port, machine);
      expect((await peer.ask()).meta.bytes).toBe(CONTENT.length);
    });

    test("may listen beyond loopback", async () => {
      await using node = startSecured(owner, { host: "0.0.0.0" });
      using peer = askerOf(node.port, asker);
      expect((await peer.ask()).meta.bytes).toBe(CONTENT.length);
    });
  });

  describe("a listener with a certificate", () => {
    const others: [string, TlsPem | undefined, string][] = [
      [
        "shows a certificate that the CA has not signed",
        { ...stranger, ca: owner.ca },
        "peer_failed",
      ],
      // it takes the alert for a frame
      ["speaks no TLS", undefined, "bad_frame"],
    ];
    for (const [name, tls, code] of others) {
      test(`closes on a dialler that ${name}`, async () => {
        await using node = startSecured(owner);
        using peer = askerOf(node.port, tls);
        expect(String(await codeOf(peer.ask()))).toBe(code);
        await until(() => node.count("auth_refused") === 1);
        expect(node.lines.join("")).toContain("no TLS with a certificate of this mesh");
        expect([node.asked(), node.listener.connections]).toEqual([0, 0]);
      });
    }

    test("closes on a dialler that says it is another node than its certificate's", async () => {
      await using node = startSecured(owner);
      using thief = askerOf(node.port, certificates.node("other", "DNS:other.example.com"));
      const fault = await faultOf(thief.ask());
      expect([fault.code, fault instanceof AuthRefused]).toEqual(["peer_failed", false]);
      expect([node.asked(), node.listener.connections]).toEqual([0, 0]);
      expect([node.count("auth_refused"), node.count("peer_refused")]).toEqual([1, 0]);
      expect(node.lines.join("")).toContain("asker shows the certificate of CN=other");
    });

    test("takes no wildcard for the name of a node", async () => {
      await using node = startSecured(owner);
      using thief = askerOf(node.port, certificates.node("any", "DNS:*.example.com"), []);
      using named = startAsker(node.port, {
        self: "a.example.com",
        credentials: { keys: [], tls: certificates.node("any", "DNS:*.example.com") },
      });
      expect(await codeOf(thief.ask())).toBe("peer_failed");
      expect(await codeOf(named.ask())).toBe("peer_failed");
      expect(node.count("auth_refused")).toBe(2);
    });

    test("closes on a dialler that has none", async () => {
      await using node = startSecured(owner);
      let closed = false;
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: node.port,
        tls: { ca: owner.ca },
        socket: {
          data() {},
          drain: (s) => void s.write(encodeRequest(RELNAME)),
          error() {},
          close() {
            closed = true;
          },
        },
      });
      await until(() => closed);
      socket.terminate();
      expect([node.asked(), node.count("auth_refused")]).toEqual([0, 1]);
    });

    test("closes on a dialler that never begins the handshake", async () => {
      await using node = startSecured(owner, { deadlines: { helloMs: 30 } });
      using mute = await dialRaw(node.port, { hello: false });
      await until(() => mute.closed);
      expect(node.lines.join("")).toContain("no hello in time");
    });
  });

  describe("a dialler with a certificate", () => {
    test("gives up a listener whose certificate is for another host, or of another CA", async () => {
      const elsewhere = certificates.node("elsewhere", "DNS:elsewhere.example.com");
      for (const theirs of [elsewhere, stranger]) {
        await using node = startSecured({ ...theirs, ca: owner.ca });
        using peer = askerOf(node.port, asker);
        const fault = await faultOf(peer.ask());
        expect(fault.code).toBe("peer_failed");
        expect(fault.message).toContain("no TLS with a certificate of this mesh");
        expect([node.asked(), peer.count("auth_refused")]).toEqual([0, 1]);
      }
    });

    test("gives up a listener that speaks no TLS", async () => {
      await using plain = startOwner(async () => answerOf(CONTENT));
      using peer = askerOf(plain.port, asker);
      expect(await codeOf(peer.ask())).toBe("peer_failed");
      await until(() => plain.count("peer_refused") === 1);
    });

    test("gives up a listener that shows another node's certificate", async () => {
      const other = certificates.node("other", "IP:127.0.0.1,DNS:localhost");
      await using node = startSecured(other);
      using peer = askerOf(node.port, asker);
      const fault = await faultOf(peer.ask());
      expect(fault.message).toContain("owner shows the certificate of CN=other");
      expect([node.asked(), peer.count("auth_refused")]).toEqual([0, 1]);
    });

    test("gives up the right host with another node on it", async () => {
      await using node = startSecured(owner, { self: "somebody" });
      using peer = askerOf(node.port, asker);
      expect((await faultOf(peer.ask())).message).toContain("somebody");
    });
  });
}
