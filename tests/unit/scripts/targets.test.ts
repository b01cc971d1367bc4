/** What each target is built of: exactly what the lock names, and Bun of the version that builds. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packagesOf } from "../../../scripts/foreign.ts";
import { ROOT } from "../../../scripts/setup.ts";
import { BUN_VERSION, TARGETS } from "../../../scripts/targets.ts";

const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

test("the runtimes of the targets are of the Bun that the project is built with", () => {
  expect(manifest.packageManager).toBe(`bun@${BUN_VERSION}`);
});

describe.each(TARGETS)("$name", (target) => {
  const packages = packagesOf(target);

  test("takes sharp, libvips and Bun for it, by hash", () => {
    expect(packages.map(({ name }) => name)).toEqual([
      `@img/sharp-${target.sharp}`,
      `@img/sharp-libvips-${target.sharp}`,
      target.runtime.name,
    ]);
    for (const { integrity } of packages) expect(integrity).toMatch(/^sha512-[\w+/]{86}==$/);
  });

  test("takes sharp and libvips of the versions and hashes in bun.lock", () => {
    const [sharp, libvips] = packages;
    expect(sharp?.version).toBe(manifest.dependencies.sharp);
    for (const { name, version, integrity } of [sharp, libvips].flatMap((one) => one ?? [])) {
      const line = lock.split("\n").find((text) => text.includes(`["${name}@${version}"`));
      expect(line).toContain(integrity);
    }
  });

  test("is called alike by us, by Bun and by sharp", () => {
    const [, cpu, libc] = target.name.split("-");
    expect(target.bun).toBe(`bun-${target.name}` as typeof target.bun);
    expect(target.sharp).toBe(`linux${libc ?? ""}-${cpu}`);
    expect(target.runtime.name).toBe(
      `@oven/bun-${target.name.replace("arm64", "aarch64")}` as typeof target.runtime.name,
    );
  });
});

test("no two targets have a hash in common", () => {
  const hashes = TARGETS.flatMap((target) => packagesOf(target).map(({ integrity }) => integrity));
  expect(new Set(hashes).size).toBe(hashes.length);
});
