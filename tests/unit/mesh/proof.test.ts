/** The proof of a control key, digit for digit. */

import { describe, expect, test } from "bun:test";
import { keyId, proofOf, sameProof } from "../../../src/mesh/auth.ts";
import type { Hello } from "../../../src/wire/messages.ts";

const hex = (from: number) => Buffer.from(Array.from({ length: 32 }, (_, i) => from + i));

describe("a proof", () => {
  const dialler: Hello = {
    name: "edge1",
    epoch: "0123456789abcdef",
    version: 1,
    nonce: hex(0).toString("hex"),
  };
  const listener: Hello = {
    name: "edge2",
    epoch: "fedcba9876543210",
    version: 1,
    nonce: hex(32).toString("hex"),
  };
  const key = "correct horse battery staple";

  test("is HMAC-SHA-256 over role, both nonces, both names, epochs and versions", () => {
    const text = (value: string) => Buffer.from([0, value.length, ...Buffer.from(value)]);
    const one = Buffer.from([0, 1]);
    const said = Buffer.concat([
      ...[hex(0), hex(32)],
      ...[text("edge1"), text("0123456789abcdef"), one],
      ...[text("edge2"), text("fedcba9876543210"), one],
    ]);
    for (const role of ["listener", "dialler"] as const) {
      const mac = new Bun.CryptoHasher("sha256", key).update(`mir ${role}`).update(said);
      expect(proofOf(role, key, { dialler, listener })).toBe(mac.digest("hex"));
    }
  });

  // made with another implementation of HMAC
  test("has these digits", () => {
    expect(keyId(key)).toBe("5408e3bac9265f02");
    expect(proofOf("listener", key, { dialler, listener })).toBe(
      "b4436fef5d1e876291b1ccbd835f91f7ae2b09efac4bdba4cdd01d59fee04a4d",
    );
    expect(proofOf("dialler", key, { dialler, listener })).toBe(
      "aa16e1c82df8024b78ea7a886ca5b6192c666a6fb15e9a76acbd16577b45191e",
    );
  });

  test("changes with everything that it covers", () => {
    const good = { dialler, listener };
    const proofs = [
      proofOf("dialler", key, good),
      proofOf("listener", key, good),
      proofOf("dialler", `${key}!`, good),
      proofOf("dialler", key, { dialler: listener, listener: dialler }),
      ...(["name", "epoch", "nonce"] as const).flatMap((field) => [
        proofOf("dialler", key, { dialler: { ...dialler, [field]: "00" }, listener }),
        proofOf("dialler", key, { dialler, listener: { ...listener, [field]: "00" } }),
      ]),
      proofOf("dialler", key, { dialler: { ...dialler, version: 2 }, listener }),
      proofOf("dialler", key, {
        dialler: { ...dialler, name: "edge10", epoch: "123456789abcdef" },
        listener,
      }),
    ];
    expect(new Set(proofs).size).toBe(proofs.length);
    for (const proof of proofs) expect(sameProof(proof, proofs[0] ?? "")).toBe(proof === proofs[0]);
    expect(sameProof("", proofs[0] ?? "")).toBe(false);
  });
});
