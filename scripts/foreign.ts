/** Brings what a build for another machine needs: its Bun, its sharp and its libvips, each by its hash. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ScriptFailure } from "./script-failure.ts";
import { ROOT } from "./setup.ts";
import { BUN_VERSION, nativePackages, type Target } from "./targets.ts";

/** A registry that does not answer must not hold a build for ever. */
const INSTALL_MS = 300_000;

export interface Foreign {
  /** Has `@img/…` of the target. */
  readonly nodeModules: string;
  /** Bun for it. */
  readonly executable: string;
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/** Where `fetchForeign` keeps them. */
export const foreignFolder = ({ name }: Target): string =>
  join(ROOT, "node_modules", ".cache", "mir-targets", name);

/** Needs the network the first time only. Throws ScriptFailure with the installer's own words. */
export function fetchForeign(target: Target): Foreign {
  if (Bun.version !== BUN_VERSION) {
    throw new ScriptFailure(
      `this is Bun ${Bun.version}; for ${target.name} the one of ${BUN_VERSION} is known: ` +
        `npx --yes bun@${BUN_VERSION} run build --target ${target.name}`,
    );
  }
  const folder = foreignFolder(target);
  const nodeModules = join(folder, "node_modules");
  const lock = lockOf(packagesOf(target));
  const done = join(folder, ".done");
  const foreign = { nodeModules, executable: join(nodeModules, target.runtime.name, "bin", "bun") };
  if (existsSync(done) && readFileSync(done, "utf8") === lock) return foreign;
  console.error(`fetching Bun, sharp and libvips for ${target.name}`);
  // a folder that no other build looks at, until it is whole
  const scratch = `${folder}.${process.pid}`;
  try {
    install(scratch, lock, target);
    writeFileSync(join(scratch, ".done"), lock);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return foreign;
}

/** sharp and libvips in the versions and with the hashes of bun.lock. */
export function packagesOf(target: Target): readonly Package[] {
  const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
  const locked = nativePackages(target).map((name) => {
    const line = lock.split("\n").find((text) => text.trimStart().startsWith(`"${name}": [`)) ?? "";
    const version = /\["@img\/[^@"]+@([^"]+)"/.exec(line)?.[1];
    const integrity = /"(sha512-[^"]+)"\],?$/.exec(line)?.[1];
    if (version === undefined || integrity === undefined)
      throw new ScriptFailure(`bun.lock does not say which ${name} belongs to sharp`);
    return { name, version, integrity };
  });
  return [...locked, { ...target.runtime, version: BUN_VERSION }];
}

/**
 * A lock of their own that says nothing of machines, so that the installer leaves none of them out
 * for being on another one; it compares what it downloads with these hashes.
 */
function lockOf(packages: readonly Package[]): string {
  const entries = packages.map(({ name, version, integrity }) => [
    name,
    [`${name}@${version}`, "", {}, integrity],
  ]);
  const root = { name: "mir-target", dependencies: dependenciesOf(packages) };
  const lock = { lockfileVersion: 1, workspaces: { "": root } };
  return JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, undefined, 2);
}

const dependenciesOf = (packages: readonly Package[]): Readonly<Record<string, string>> =>
  Object.fromEntries(packages.map(({ name, version }) => [name, version]));

function install(folder: string, lock: string, target: Target): void {
  const manifest = { name: "mir-target", dependencies: dependenciesOf(packagesOf(target)) };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "bun.lock"), lock);
  const { success, stdout, stderr } = Bun.spawnSync(
    [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts", "--no-progress"],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: INSTALL_MS },
  );
  if (success) return;
  throw new ScriptFailure(
    `${stdout}${stderr}what a build for ${target.name} needs could not be fetched: ` +
      "is the package registry reachable?",
  );
}
