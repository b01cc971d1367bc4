/** Compiles `src/main.ts` with libvips inside: `compile.ts <version> <outfile>`, run by the build. */

import { join } from "node:path";
import type { BunPlugin } from "bun";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT } from "./setup.ts";

const SHARP_MOVED =
  "sharp's own loader is not where embedSharp in scripts/compile.ts expects it, so the executable " +
  "would have no libvips: look for the file that requires the .node in node_modules/sharp/dist";

async function compile(version: string, outfile: string): Promise<void> {
  const sharp = embedSharp();
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    format: "esm",
    minify: true,
    sourcemap: "linked",
    define: { MIR_VERSION: JSON.stringify(version) },
    // .env and bunfig.toml of the folder one happens to stand in must not run code
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
    plugins: [sharp.plugin],
    throw: false,
  });
  if (!result.success) {
    throw new ScriptFailure(result.logs.map((log) => Bun.inspect(log)).join("\n"));
  }
  if (sharp.redirected() === 0) throw new ScriptFailure(SHARP_MOVED);
}

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

await runScript(async () => {
  const [version, outfile] = process.argv.slice(2);
  if (version === undefined || outfile === undefined) {
    throw new ScriptFailure("compile.ts <version> <outfile>; `bun run build` knows both");
  }
  await compile(version, outfile);
  return 0;
});
