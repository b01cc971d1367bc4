/** Executables for other machines: for the right processor and C library, with that machine's libvips inside. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build.ts";
import { fetchForeign, foreignFolder } from "../../scripts/foreign.ts";
import { ROOT } from "../../scripts/setup.ts";
import { nativePackages, TARGETS, type Target } from "../../scripts/targets.ts";

const IMG = join(ROOT, "node_modules");
const isNative = (target: Target): boolean =>
  nativePackages(target).every((name) => existsSync(join(IMG, name)));

/** What is here already is tried; `MIR_TEST_TARGETS=1` fetches the others, 60 MB each. */
const wanted = process.env["MIR_TEST_TARGETS"] !== undefined;
const isHere = (target: Target): boolean => existsSync(join(foreignFolder(target), ".done"));
const foreign = TARGETS.filter((target) => !isNative(target));

/** ELF: `e_machine` of the header, and the loader that is asked for. */
const MACHINES = { x64: 62, arm64: 183 } as const;
const LOADERS = {
  "linux-x64": "ld-linux-x86-64.so.2",
  "linux-arm64": "ld-linux-aarch64.so.1",
  "linux-x64-musl": "ld-musl-x86_64.so.1",
  "linux-arm64-musl": "ld-musl-aarch64.so.1",
} as const;

function nativeFilesOf(nodeModules: string, target: Target): readonly string[] {
  return nativePackages(target).flatMap((name) => {
    const folder = join(nodeModules, name, "lib");
    return [...new Bun.Glob("*.{node,so.*}").scanSync(folder)].map((file) => join(folder, file));
  });
}

/** Whole and unchanged. */
function contains(executable: Buffer, file: string): boolean {
  const bytes = readFileSync(file);
  const at = executable.indexOf(bytes.subarray(0, 4096));
  return at >= 0 && executable.subarray(at, at + bytes.length).equals(bytes);
}

describe.each(foreign.map((target) => [target.name, target] as const))("for %s", (name, target) => {
  test.skipIf(!wanted && !isHere(target))(
    "the executable is for that machine, and carries its libvips and no other",
    () => {
      const executable = readFileSync(build(target));
      const cpu = name.includes("arm64") ? "arm64" : "x64";
      expect(executable.readUInt16LE(18)).toBe(MACHINES[cpu]);
      const head = executable.toString("latin1", 0, 4096);
      expect(head).toContain(LOADERS[name as keyof typeof LOADERS]);

      const files = nativeFilesOf(fetchForeign(target).nodeModules, target);
      expect(files).toHaveLength(2);
      for (const file of files)
        expect({ file, in: contains(executable, file) }).toEqual({ file, in: true });
      const own = TARGETS.filter(isNative).flatMap((native) => nativeFilesOf(IMG, native));
      expect(own).toHaveLength(2);
      for (const file of own)
        expect({ file, in: contains(executable, file) }).toEqual({ file, in: false });
    },
    120_000,
  );
});
