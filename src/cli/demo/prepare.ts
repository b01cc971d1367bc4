/** What a demo needs before its nodes start: pictures in an origin directory, a topology. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Fault } from "../../base/fault.ts";
import { selfCommand } from "../../node/reexec.ts";
import { formatMistakes } from "../../topology/explain.ts";
import { readTopology } from "../../topology/read.ts";
import type { Output } from "../output.ts";
import { ORIGIN_DIR, writeDemoTopology } from "./demo-topology.ts";
import { findPhotos, takenLines } from "./given-photos.ts";
import type { Running } from "./intro.ts";
import { mapMesh } from "./mesh-map.ts";
import { linkPhotos, type Photo } from "./photo.ts";
import type { Ports } from "./ports.ts";
import { type DemoEnv, drawingsDir } from "./state-dir.ts";

export interface PrepareOptions {
  /** `--photos`; undefined: the demo's own. */
  readonly photosDir: string | undefined;
  readonly stateDir: string;
  readonly env: DemoEnv;
  readonly ports: Ports;
  readonly usualPorts: boolean;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Throws a Fault when something is missing or wrong, and the signal's reason when it fires. */
export async function prepare(options: PrepareOptions): Promise<Running> {
  const { stateDir, photosDir } = options;
  const found =
    photosDir === undefined ? await ownPhotos(options) : givenPhotos(photosDir, options);
  const [first, ...rest] = found;
  if (first === undefined) throw new Fault("internal", "the demo has no picture");
  const originDir = join(stateDir, ORIGIN_DIR);
  mkdirSync(originDir, { recursive: true });
  linkPhotos(found, originDir);
  const text = writeDemoTopology(options);
  const topologyFile = join(stateDir, "demo.toml");
  writeFileSync(topologyFile, text);
  const read = readTopology(text, { file: topologyFile, baseDir: stateDir });
  if (read.kind === "mistakes") {
    throw new Fault("internal", `the demo's topology is wrong\n${formatMistakes(read.mistakes)}`);
  }
  return {
    map: mapMesh(read.topology),
    photos: [first, ...rest],
    drawn: photosDir === undefined,
    stateDir,
    topologyFile,
    program: programName(),
  };
}

/** `mir` where that finds this file, else the way to it. */
function programName(): string {
  const { execPath, args } = selfCommand();
  if (args.length === 0 && Bun.which("mir") === execPath) return "mir";
  return [execPath, ...args].map((path) => shorter(path, relative(process.cwd(), path))).join(" ");
}

function shorter(path: string, fromHere: string): string {
  return fromHere.includes("/") && !fromHere.startsWith("..") ? fromHere : path;
}

function givenPhotos(dir: string, { output }: PrepareOptions): readonly Photo[] {
  const { photos, leftOut } = findPhotos(dir);
  for (const line of takenLines({ dir, photos, leftOut })) output.say(line);
  return photos;
}

/**
 * Loaded only here: drawing needs libvips, and this file is part of every process of the program.
 * The painters' noise is made when their module is loaded.
 */
async function ownPhotos(options: PrepareOptions): Promise<readonly Photo[]> {
  const { env, stateDir, output, signal } = options;
  const [{ drawPhotos }, { DRAWING_VERSION, OWN_PHOTOS }] = await Promise.all([
    import("./draw-photos.ts"),
    import("./own-photos.ts"),
  ]);
  const dir = drawingsDir(env, stateDir, DRAWING_VERSION);
  const progress = drawingLine(output, dir);
  try {
    return await drawPhotos(OWN_PHOTOS, { dir, signal, progress: progress.tell });
  } finally {
    progress.end();
  }
}

/** On a terminal one line that counts; elsewhere one that says what takes its time. */
function drawingLine(
  output: Output,
  dir: string,
): { tell(drawn: number, toDraw: number): void; end(): void } {
  let open = false;
  return {
    tell(drawn, toDraw) {
      const text = `drawing ${toDraw} pictures, once for all demos (${dir})`;
      if (output.isTerminal) output.write(`\r\x1b[2K${text} ${drawn}/${toDraw}`);
      else if (drawn === 0) output.say(text);
      open = output.isTerminal;
    },
    end() {
      if (open) output.say("");
    },
  };
}
