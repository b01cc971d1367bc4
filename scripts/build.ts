/** Builds the one executable `dist/mir`; skipped when nothing that goes into it has changed. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";

const DIST = join(ROOT, "dist");
const OUT = join(DIST, "mir");
const STAMP = join(DIST, ".inputs");

/** What goes into the executable; `topology/` because the demo carries its file inside. */
const INPUTS = [
  "src",
  "topology",
  "package.json",
  "bun.lock",
  "tsconfig.json",
  "scripts/build.ts",
  "scripts/compile.ts",
];

/** A compiler that hangs must not hold a build for ever. */
const COMPILE_MS = 120_000;

/** Where libvips comes prebuilt and `src/image/` knows its files. */
const PLATFORMS = ["linux-x64", "linux-arm64"];

/** Path of the executable. Throws ScriptFailure with what is wrong when it cannot be built. */
export function build(): string {
  const version = readVersion();
  const inputs = hashInputs(version);
  if (existsSync(OUT) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === inputs) {
    console.error(`${relative(ROOT, OUT)} ${version} is up to date`);
    return OUT;
  }
  requirePlatform(`${process.platform}-${process.arch}`, join(ROOT, "node_modules"));
  const start = performance.now();
  rmSync(STAMP, { force: true });
  compile(version);
  // what changed while it was being compiled is compiled next time
  if (hashInputs(version) === inputs) writeFileSync(STAMP, inputs);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`built ${relative(ROOT, OUT)} ${version} in ${seconds} s`);
  return OUT;
}

/**
 * In a process of its own: one that began before `node_modules` was there does not find what is in it
 * now. Put in place by a rename: nodes that run the old one keep it, none sees half of it.
 */
function compile(version: string): void {
  const scratch = join(DIST, `.build-${process.pid}`);
  const outfile = join(scratch, "mir");
  mkdirSync(scratch, { recursive: true });
  try {
    const child = Bun.spawnSync(
      [process.execPath, join(ROOT, "scripts", "compile.ts"), version, outfile],
      { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"], timeout: COMPILE_MS },
    );
    if (!child.success) throw new ScriptFailure("dist/mir could not be built");
    renameSync(outfile, OUT);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Throws ScriptFailure where there is no libvips to embed. */
export function requirePlatform(platform: string, nodeModules: string): void {
  if (!PLATFORMS.includes(platform)) {
    throw new ScriptFailure(
      `mir is built on ${PLATFORMS.join(" and ")}, with glibc; this is ${platform}`,
    );
  }
  const needed = [`@img/sharp-${platform}`, `@img/sharp-libvips-${platform}`];
  const missing = needed.filter((name) => !existsSync(join(nodeModules, name)));
  if (missing.length === 0) return;
  throw new ScriptFailure(
    `mir cannot be built here: node_modules lacks ${missing.join(" and ")}, which bring libvips. ` +
      "Delete node_modules and run this again; on musl instead of glibc there is no such package.",
  );
}

function hashInputs(version: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(`${Bun.version} ${process.platform}-${process.arch} ${version}`);
  for (const file of INPUTS.flatMap(filesUnder)) {
    hasher.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  }
  return hasher.digest("hex");
}

function filesUnder(input: string): string[] {
  if (!["src", "topology"].includes(input)) return [input];
  return [...new Bun.Glob(`${input}/**/*`).scanSync({ cwd: ROOT, dot: true })].sort();
}

/** `0.1.0+abc1234`, `-changed` when the inputs are not as committed; without git just `0.1.0`. */
function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly version: string;
  };
  const commit = git(["log", "-1", "--format=%h", "--", ...INPUTS]);
  if (commit === "") return version;
  const changed = git(["status", "--porcelain", "--", ...INPUTS]) === "" ? "" : "-changed";
  return `${version}+${commit}${changed}`;
}

/** What git printed; empty where there is no git or this is no checkout. */
function git(args: readonly string[]): string {
  try {
    const done = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
    return done.success ? done.stdout.toString().trim() : "";
  } catch {
    return "";
  }
}

if (import.meta.main) {
  await runScript(async () => {
    setup();
    build();
    return 0;
  });
}
