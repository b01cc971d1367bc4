/** Builds the one executable, for this machine or another; skipped when nothing that goes into it has changed. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fetchForeign } from "./foreign.ts";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";
import { nativePackages, TARGETS, type Target } from "./targets.ts";

const DIST = join(ROOT, "dist");

/** What goes into the executable; `topology/` because the demo carries its file inside, as `mir notice` does NOTICE. */
const INPUTS = [
  "src",
  "topology",
  "NOTICE",
  "package.json",
  "bun.lock",
  "tsconfig.json",
  "scripts/build.ts",
  "scripts/compile.ts",
  "scripts/foreign.ts",
  "scripts/targets.ts",
];

/** A compiler that hangs must not hold a build for ever. */
const COMPILE_MS = 120_000;

const COMPILE = join(ROOT, "scripts", "compile.ts");
const NODE_MODULES = join(ROOT, "node_modules");

/**
 * Path of the executable: `dist/mir` for this machine, `dist/mir-{target}` where a target is named.
 * Throws ScriptFailure with what is wrong when it cannot be built.
 */
export function build(named?: Target): string {
  const outfile = join(DIST, named === undefined ? "mir" : `mir-${named.name}`);
  const stamp = join(DIST, named === undefined ? ".inputs" : `.inputs-${named.name}`);
  const version = readVersion();
  const inputs = hashInputs(version);
  if (existsSync(outfile) && existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) {
    console.error(`${relative(ROOT, outfile)} ${version} is up to date`);
    return outfile;
  }
  const sources = sourcesFor(named);
  const start = performance.now();
  rmSync(stamp, { force: true });
  compile(version, outfile, sources);
  // what changed while it was being compiled is compiled next time
  if (hashInputs(version) === inputs) writeFileSync(stamp, inputs);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`built ${relative(ROOT, outfile)} ${version} in ${seconds} s`);
  return outfile;
}

interface Sources {
  readonly target: Target;
  /** Has the native packages of the target. */
  readonly nodeModules: string;
  /** Bun of the target; none: this one. */
  readonly executable?: string;
}

function sourcesFor(named: Target | undefined): Sources {
  const platform = `${process.platform}-${process.arch}`;
  if (named !== undefined && !isInstalled(named, NODE_MODULES)) {
    return { target: named, ...fetchForeign(named) };
  }
  return { target: named ?? nativeTarget(platform, NODE_MODULES), nodeModules: NODE_MODULES };
}

/**
 * In a process of its own: one that began before `node_modules` was there does not find what is in it
 * now. Put in place by a rename: nodes that run the old one keep it, none sees half of it.
 */
function compile(version: string, outfile: string, sources: Sources): void {
  const { target, nodeModules, executable } = sources;
  const scratch = join(DIST, `.build-${process.pid}`);
  const made = join(scratch, "mir");
  const args = [version, made, target.name, nodeModules];
  mkdirSync(scratch, { recursive: true });
  try {
    const child = Bun.spawnSync(
      [process.execPath, COMPILE, ...args, ...(executable === undefined ? [] : [executable])],
      { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"], timeout: COMPILE_MS },
    );
    if (!child.success) throw new ScriptFailure(`${relative(ROOT, outfile)} could not be built`);
    renameSync(made, outfile);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The one of this machine. Throws ScriptFailure where there is no libvips to embed. */
export function nativeTarget(platform: string, nodeModules: string): Target {
  const candidates = TARGETS.filter(({ name }) => name.replace(/-musl$/, "") === platform);
  const [usual] = candidates;
  if (usual === undefined) {
    throw new ScriptFailure(
      `mir is built for ${TARGETS.map(({ name }) => name).join(", ")}; this is ${platform}`,
    );
  }
  // which C library this machine has, the installer has found out
  const target = candidates.find((candidate) => isInstalled(candidate, nodeModules));
  if (target !== undefined) return target;
  const missing = nativePackages(usual).filter((name) => !existsSync(join(nodeModules, name)));
  throw new ScriptFailure(
    `mir cannot be built here: node_modules lacks ${missing.join(" and ")}, which bring libvips. ` +
      "Delete node_modules and run this again.",
  );
}

const isInstalled = (target: Target, nodeModules: string): boolean =>
  nativePackages(target).every((name) => existsSync(join(nodeModules, name)));

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
  // where the checkout's history did not come along, as in a container, it is told
  const told = process.env["MIR_REVISION"] ?? "";
  if (told !== "") return `${version}+${told}`;
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

/** `--target NAME`; none: this machine. */
function targetOf(args: readonly string[]): Target | undefined {
  if (args.length === 0) return undefined;
  const [flag, name] = args;
  const target = TARGETS.find((known) => known.name === name);
  if (flag === "--target" && target !== undefined && args.length === 2) return target;
  throw new ScriptFailure(`build [--target ${TARGETS.map((known) => known.name).join("|")}]`);
}

if (import.meta.main) {
  await runScript(async () => {
    const target = targetOf(process.argv.slice(2));
    setup();
    build(target);
    return 0;
  });
}
