/** Builds the one executable `dist/mir`; skipped when nothing that goes into it has changed. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";

const DIST = join(ROOT, "dist");
const OUT = join(DIST, "mir");
const STAMP = join(DIST, ".inputs");

/** What goes into the executable; `topology/` because the demo carries its file inside. */
const INPUTS = ["src", "topology", "package.json", "bun.lock", "tsconfig.json", "scripts/build.ts"];

/** Where libvips comes prebuilt and `src/image/` knows its files. */
const PLATFORMS = ["linux-x64", "linux-arm64"];

/** Path of the executable. Throws ScriptFailure with what is wrong when it cannot be built. */
export async function build(): Promise<string> {
  const version = readVersion();
  const inputs = hashInputs(version);
  if (existsSync(OUT) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === inputs) return OUT;
  requirePlatform(`${process.platform}-${process.arch}`, join(ROOT, "node_modules"));
  const start = performance.now();
  rmSync(STAMP, { force: true });
  await compile(version);
  // what changed while it was being compiled is compiled next time
  if (hashInputs(version) === inputs) writeFileSync(STAMP, inputs);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`built ${relative(ROOT, OUT)} ${version} in ${seconds} s`);
  return OUT;
}

/** Puts the executable in place by a rename: nodes that run the old one keep it, none sees half of it. */
async function compile(version: string): Promise<void> {
  const scratch = join(DIST, `.build-${process.pid}`);
  const sharp = embedSharp();
  mkdirSync(scratch, { recursive: true });
  try {
    const result = await Bun.build({
      entrypoints: [join(ROOT, "src/main.ts")],
      format: "esm",
      minify: true,
      sourcemap: "linked",
      define: { MIR_VERSION: JSON.stringify(version) },
      // .env and bunfig.toml of the folder one happens to stand in must not run code
      compile: { outfile: join(scratch, "mir"), autoloadDotenv: false, autoloadBunfig: false },
      plugins: [sharp.plugin],
      throw: false,
    });
    if (!result.success)
      throw new ScriptFailure(result.logs.map((log) => Bun.inspect(log)).join("\n"));
    if (sharp.redirected() === 0) throw new ScriptFailure(SHARP_MOVED);
    renameSync(join(scratch, "mir"), OUT);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const SHARP_MOVED =
  "sharp's own loader is not where embedSharp in scripts/build.ts expects it, so the executable " +
  "would have no libvips: look for the file that requires the .node in node_modules/sharp/dist";

/** Sends sharp's own loader to ours, which brings libvips along; the rest of sharp is bundled unchanged. */
function embedSharp(): { readonly plugin: BunPlugin; redirected(): number } {
  let redirected = 0;
  const plugin: BunPlugin = {
    name: "embed-sharp",
    setup(builder) {
      builder.onResolve({ filter: /^\.\/sharp\.[cm]js$/ }, ({ importer }) => {
        if (!/[\\/]sharp[\\/]dist[\\/]/.test(importer)) return undefined;
        redirected++;
        return { path: join(ROOT, "src/image/native.cjs") };
      });
    },
  };
  return { plugin, redirected: () => redirected };
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
    await build();
    return 0;
  });
}
