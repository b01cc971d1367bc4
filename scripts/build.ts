/** Builds the one executable `dist/mir`; skipped when nothing that goes into it has changed. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { ROOT, setup } from "./setup.ts";

const OUT = join(ROOT, "dist", "mir");
const STAMP = join(ROOT, "dist", ".inputs");

/** Path of the executable. Ends the process with a clear sentence when it cannot be built. */
export async function build(): Promise<string> {
  const inputs = await hashInputs();
  if (existsSync(OUT) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === inputs) return OUT;
  requirePlatform();
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  rmSync(STAMP, { force: true });
  const start = performance.now();
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    format: "esm",
    minify: true,
    sourcemap: "linked",
    define: { MIR_VERSION: JSON.stringify(version()) },
    // .env and bunfig.toml of the folder one happens to stand in must not run code (bun-facts §2)
    compile: { outfile: OUT, autoloadDotenv: false, autoloadBunfig: false },
    plugins: [embedSharp()],
  });
  if (!result.success) {
    for (const log of result.logs) console.error(String(log));
    process.exit(1);
  }
  writeFileSync(STAMP, inputs);
  console.error(
    `built ${relative(ROOT, OUT)} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
  return OUT;
}

/** Sends sharp's own loader to ours, which brings libvips along; the rest of sharp is bundled unchanged. */
function embedSharp(): BunPlugin {
  return {
    name: "embed-sharp",
    setup(builder) {
      builder.onResolve({ filter: /\.\/sharp\.(c|m)?js$/ }, ({ importer }) =>
        /[\\/]sharp[\\/](dist|lib)[\\/]/.test(importer)
          ? { path: join(ROOT, "src/image/native.cjs") }
          : undefined,
      );
    },
  };
}

async function hashInputs(): Promise<string> {
  const files = [
    ...(await Array.fromAsync(new Bun.Glob("src/**/*").scan(ROOT))).sort(),
    "package.json",
    "bun.lock",
    "scripts/build.ts",
  ];
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(`${Bun.version} ${process.platform} ${process.arch} ${version()}`);
  for (const file of files) hasher.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return hasher.digest("hex");
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  return number;
}

function requirePlatform(): void {
  const name = `${process.platform}-${process.arch}`;
  const needed = [`@img/sharp-${name}`, `@img/sharp-libvips-${name}`];
  const missing = needed.filter((pkg) => !existsSync(join(ROOT, "node_modules", pkg)));
  if (missing.length === 0) return;
  console.error(`mir cannot be built on ${name}: ${missing.join(" and ")} is not installed there`);
  process.exit(1);
}

if (import.meta.main) {
  setup();
  await build();
}
