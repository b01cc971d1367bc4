/** Set-up installs when it has to, and only then. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativeTarget } from "../../../scripts/build.ts";
import { setup } from "../../../scripts/setup.ts";

let dir: string;
const installed = (): string => join(dir, "node_modules", "part", "package.json");

/** A project that depends on a folder beside it, so that no registry is needed. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mir-setup-"));
  mkdirSync(join(dir, "part"));
  writeFileSync(join(dir, "part", "package.json"), '{ "name": "part", "version": "1.0.0" }');
  const project = { name: "project", dependencies: { part: "file:./part" } };
  writeFileSync(join(dir, "package.json"), JSON.stringify(project));
  Bun.spawnSync([process.execPath, "install", "--lockfile-only"], { cwd: dir, stderr: "ignore" });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("the first time installs what the lock names", () => {
  expect(existsSync(installed())).toBe(false);
  expect(setup(dir)).toBe(true);
  expect(existsSync(installed())).toBe(true);
});

test("the second time does nothing", () => {
  setup(dir);
  rmSync(installed());
  expect(setup(dir)).toBe(false);
  expect(existsSync(installed())).toBe(false);
});

test("a lock that has changed, or modules that are gone, are installed again", () => {
  setup(dir);
  const lock = readFileSync(join(dir, "bun.lock"), "utf8");
  writeFileSync(join(dir, "bun.lock"), `${lock}\n`);
  expect(setup(dir)).toBe(true);
  rmSync(join(dir, "node_modules"), { recursive: true });
  expect(setup(dir)).toBe(true);
  expect(existsSync(installed())).toBe(true);
});

test("what cannot be installed is told with the installer's words, and is not taken for done", () => {
  rmSync(join(dir, "part"), { recursive: true });
  expect(() => setup(dir)).toThrow(/part[\s\S]*the dependencies could not be installed/);
  expect(() => setup(dir)).toThrow("the dependencies could not be installed");
});

test("a lock that does not belong to package.json is refused", () => {
  const project = { name: "project", dependencies: { part: "file:./part", more: "file:./part" } };
  writeFileSync(join(dir, "package.json"), JSON.stringify(project));
  expect(() => setup(dir)).toThrow(/frozen[\s\S]*does bun.lock belong to package.json/);
});

test("a platform without libvips is refused by name, one with it is not", () => {
  expect(() => nativeTarget("sunos-x64", dir)).toThrow("this is sunos-x64");
  expect(() => nativeTarget("linux-arm64", dir)).toThrow(
    "node_modules lacks @img/sharp-linux-arm64 and @img/sharp-libvips-linux-arm64",
  );
  mkdirSync(join(dir, "@img", "sharp-linux-arm64"), { recursive: true });
  expect(() => nativeTarget("linux-arm64", dir)).toThrow("lacks @img/sharp-libvips-linux-arm64,");
  mkdirSync(join(dir, "@img", "sharp-libvips-linux-arm64"));
  expect(nativeTarget("linux-arm64", dir).name).toBe("linux-arm64");
});

test("which C library a machine has is seen by which libvips was installed", () => {
  for (const name of ["sharp-linuxmusl-x64", "sharp-libvips-linuxmusl-x64"]) {
    mkdirSync(join(dir, "@img", name), { recursive: true });
  }
  expect(nativeTarget("linux-x64", dir).name).toBe("linux-x64-musl");
});
