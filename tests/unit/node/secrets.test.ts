/** Secrets: where they come from, and what is wrong with them. */

import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { LIMITS } from "../../../src/base/limits.ts";
import { readSecrets } from "../../../src/node/secrets.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const KEY = "sixteen letters!";
const keysOf = (text: string) =>
  readSecrets({ env: { MIR_CONTROL_KEY: text }, file: undefined }).controlKeys;

describe("control keys", () => {
  test("are none, one, or a new one and an old one", () => {
    expect(readSecrets({ env: {}, file: undefined }).controlKeys).toEqual([]);
    expect(keysOf("")).toEqual([]);
    expect(keysOf(KEY)).toEqual([KEY]);
    expect(keysOf(`${KEY}new, ${KEY}old`)).toEqual([`${KEY}new`, `${KEY}old`]);
  });

  test("are two at most", () => {
    const keys = Array.from({ length: LIMITS.controlKeysMax + 1 }, (_, i) => `${KEY}${i}`);
    expect(() => keysOf(keys.join(","))).toThrow("at most 2");
  });

  test("have enough characters and not too many, and a refusal does not show them", () => {
    const most = "k".repeat(LIMITS.controlKeyCharsMax);
    expect(keysOf(most)).toEqual([most]);
    for (const bad of [KEY.slice(1), `${KEY},`, `${KEY},short`, `${most}k`]) {
      expect(() => keysOf(bad)).toThrow("MIR_CONTROL_KEY");
      expect(() => keysOf(bad)).not.toThrow(bad);
    }
  });

  test("may stand in the secrets file, which wins over the environment", () => {
    using dir = makeTempDir();
    const file = dir.write("secrets", new TextEncoder().encode(`MIR_CONTROL_KEY=${KEY}file\n`));
    chmodSync(file, 0o600);
    const secrets = readSecrets({ env: { MIR_CONTROL_KEY: KEY }, file });
    expect(secrets.controlKeys).toEqual([`${KEY}file`]);
  });

  test("in quotes are refused in the file, where those would be part of them", () => {
    using dir = makeTempDir();
    const file = dir.write("secrets", `MIR_CONTROL_KEY="${KEY}"\n`);
    chmodSync(file, 0o600);
    expect(() => readSecrets({ env: {}, file })).toThrow("part of MIR_CONTROL_KEY");
    expect(() => readSecrets({ env: {}, file })).not.toThrow(KEY);
  });
});

test("upload keys are any number, and none where that is not said at all", () => {
  const keys = (text?: string) =>
    readSecrets({ env: { MIR_UPLOAD_KEYS: text }, file: undefined }).uploadKeys;
  expect([keys(), keys(""), keys("a"), keys("a, b,")]).toEqual([[], [], ["a"], ["a", "b"]]);
  expect(() => keys(" ,,")).toThrow("MIR_UPLOAD_KEYS has no key in it");
});
