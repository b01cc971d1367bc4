/** Compiles `src/main.ts` with libvips inside, for one target; run by the build. */

import { readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT } from "./setup.ts";
import { nativePackages, TARGETS, type Target } from "./targets.ts";

const USAGE = "compile.ts <version> <outfile> <target> <node_modules> [Bun of the target]";

const IMAGE = join(ROOT, "src", "image");

const SHARP_MOVED =
  "sharp's own loader is not where embedSharp in scripts/compile.ts expects it, so the executable " +
  "would have no libvips: look for the file that requires the .node in node_modules/sharp/dist";

interface Options {
  readonly version: string;
  readonly outfile: string;
  readonly target: Target;
  readonly nodeModules: string;
  /** Bun of the target; this one without. */
  readonly executablePath: string | undefined;
}

/** The script of the dashboard, which runs in a browser. */
async function dashboard(): Promise<string> {
  const entry = join(ROOT, "src/http/dashboard/page.ts");
  const result = await Bun.build({
    ...{ entrypoints: [entry], target: "browser", format: "esm", minify: true },
    throw: false,
  });
  const [script] = result.outputs;
  if (!result.success || script === undefined) throw notBuilt(result);
  return script.text();
}

function notBuilt({ logs }: Bun.BuildOutput): ScriptFailure {
  return new ScriptFailure(logs.map((log) => Bun.inspect(log)).join("\n"));
}

async function compile({ version, outfile, target, ...from }: Options): Promise<void> {
  const sharp = embedSharp(target, from.nodeModules);
  const { executablePath } = from;
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    format: "esm",
    minify: true,
    // commands start in a third of the time: nothing is parsed (a prompt asks one each time it is shown);
    // it is made by this Bun, so another machine's would have to make its own
    bytecode: executablePath === undefined,
    sourcemap: "linked",
    define: {
      MIR_VERSION: JSON.stringify(version),
      MIR_DASHBOARD: JSON.stringify(await dashboard()),
    },
    compile: {
      outfile,
      ...(executablePath === undefined ? {} : { target: target.bun, executablePath }),
      // .env and bunfig.toml of the folder one happens to stand in must not run code
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
    plugins: [sharp.plugin],
    throw: false,
  });
  if (!result.success) throw notBuilt(result);
  if (!sharp.isEmbedded()) throw new ScriptFailure(SHARP_MOVED);
}

/** Sends sharp's own loader to ours, which brings libvips along; the rest of sharp is bundled unchanged. */
function embedSharp(
  target: Target,
  nodeModules: string,
): { readonly plugin: BunPlugin; isEmbedded(): boolean } {
  const contents = embeddedModule(target, nodeModules);
  let redirected = false;
  let embedded = false;
  const plugin: BunPlugin = {
    name: "embed-sharp",
    setup(builder) {
      builder.onResolve({ filter: /^\.\/sharp\.[cm]js$/ }, ({ importer }) => {
        if (!/[\\/]sharp[\\/]dist[\\/]/.test(importer)) return undefined;
        redirected = true;
        return { path: join(IMAGE, "native.cjs") };
      });
      builder.onLoad({ filter: /[\\/]src[\\/]image[\\/]embedded\.ts$/ }, () => {
        embedded = true;
        return { contents, loader: "ts" };
      });
    },
  };
  return { plugin, isEmbedded: () => redirected && embedded };
}

/** What `src/image/embedded.ts` is for this target: its files imported as files only, never also required. */
function embeddedModule(target: Target, nodeModules: string): string {
  const [addon, libvips] = nativePackages(target).map((name) => join(nodeModules, name, "lib"));
  const addonFile = onlyFile(addon ?? "", /\.node$/);
  const libvipsFile = onlyFile(libvips ?? "", /^libvips-cpp\.so\./);
  const files = [
    { from: addonFile, place: `sharp-${target.sharp}/lib/sharp.node` },
    { from: libvipsFile, place: `sharp-libvips-${target.sharp}/lib/${basename(libvipsFile)}` },
  ];
  const specifier = (from: string): string => JSON.stringify(relative(IMAGE, from));
  return [
    ...files.map(({ from }, i) => `import f${i} from ${specifier(from)} with { type: "file" };`),
    "export const embedded = [",
    ...files.map(({ place }, i) => `  { source: f${i}, place: ${JSON.stringify(place)} },`),
    "];",
  ].join("\n");
}

function onlyFile(folder: string, name: RegExp): string {
  const found = readdirSync(folder).filter((file) => name.test(file));
  const [file] = found;
  if (file === undefined || found.length > 1)
    throw new ScriptFailure(`${folder} has ${found.length} files like ${name.source}, not one`);
  return join(folder, file);
}

await runScript(async () => {
  const [version, outfile, name, nodeModules, executablePath] = process.argv.slice(2);
  const target = TARGETS.find((known) => known.name === name);
  if (version === undefined || outfile === undefined || nodeModules === undefined || !target) {
    throw new ScriptFailure(`${USAGE}; \`bun run build\` knows them all`);
  }
  await compile({ version, outfile, target, nodeModules, executablePath });
  return 0;
});
