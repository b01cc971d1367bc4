/** Loads the native addon that the executable carries, from the first directory that allows it. */

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { openPrivateDir, type RuntimeDirCandidate, runtimeDirCandidates } from "./runtime-dir.ts";
import { type Unpacked, unpack } from "./unpack.ts";

/** The first is the addon; the others are found by its RPATH. */
export interface EmbeddedFiles {
  readonly embedded: readonly { readonly source: string; readonly place: string }[];
}

/** The exports of sharp's addon. Throws an Error for the log that names each directory tried. */
export function loadAddon({ embedded }: EmbeddedFiles): unknown {
  const own = process.env["MIR_LIBVIPS_DIR"] ?? "";
  const files = embedded.map(({ source, place }, i) => ({
    place,
    // libvips is under the LGPL: whoever has another build of it can have that one loaded
    bytes: i > 0 && own !== "" ? readOwn(join(own, basename(place))) : readFileSync(source),
  }));
  const uid = process.geteuid?.() ?? 0;
  const addon = loadFromFirst({
    candidates: runtimeDirCandidates({ env: process.env, uid }),
    files,
    uid,
    mountInfo: readMountInfo(),
    load: (path) => {
      const module: { exports: unknown } = { exports: {} };
      process.dlopen(module, path);
      return module.exports;
    },
  });
  refuseOldProcessor(addon);
  return addon;
}

/** What `load` returns for the first file, unpacked with the others below the first candidate that works. */
export function loadFromFirst<T>(options: {
  readonly candidates: readonly RuntimeDirCandidate[];
  readonly files: readonly Unpacked[];
  readonly uid: number;
  readonly mountInfo: string;
  /** Throws where code may not be run, whatever the reason. */
  readonly load: (path: string) => T;
}): T {
  const { candidates, files, uid, mountInfo, load } = options;
  const name = `sharp-${contentHash(files)}`;
  const refusals: string[] = [];
  for (const candidate of candidates) {
    try {
      const dir = openPrivateDir(candidate, { name, uid, mountInfo });
      unpack(dir, files);
      return load(join(dir, files[0]?.place ?? ""));
    } catch (error) {
      refusals.push(`${candidate.dir}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `the image decoders could not be loaded from any directory (${refusals.join("; ")}). ` +
      "Set MIR_RUNTIME_DIR to a directory with mode 0700 that belongs to the user mir runs as, " +
      "on a file system that is not mounted noexec and has 20 MB free.",
  );
}

function readOwn(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(
      `MIR_LIBVIPS_DIR has no ${path} that can be read: it is to be the libvips-cpp of the same ` +
        "version as the one inside this executable",
      { cause },
    );
  }
}

/** Every version of the files has a directory of its own. */
function contentHash(files: readonly Unpacked[]): string {
  const hashes = files.map(({ bytes }) => Bun.hash.xxHash64(bytes).toString(16).padStart(16, "0"));
  return hashes.join("-");
}

function readMountInfo(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    // without /proc a noexec directory shows when the library cannot be mapped
    return "";
  }
}

/** sharp's own loader asks the same; without it the first picture would be an illegal instruction. */
function refuseOldProcessor(addon: unknown): void {
  if (process.arch !== "x64") return;
  const isRecord = typeof addon === "object" && addon !== null;
  const check = isRecord && "_isUsingX64V2" in addon ? addon._isUsingX64V2 : undefined;
  if (typeof check === "function" && check() !== true) {
    throw new Error("the image decoders need a processor with x86-64-v2 (SSE4.2 and POPCNT)");
  }
}
