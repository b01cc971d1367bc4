/** Reads a topology file: text in; its meaning, or every mistake at once, out (spec §9). */

import { parse, TomlError } from "smol-toml";
import { LIMITS } from "../base/limits.ts";
import { buildTopology } from "./build.ts";
import { checkAddresses } from "./check-addresses.ts";
import { checkLevels } from "./check-levels.ts";
import { checkSettings } from "./check-settings.ts";
import { checkValues } from "./check-values.ts";
import { dottedKey, type Findings, type Mistake, type Warning } from "./mistakes.ts";
import { indexPositions, type Place, type Positions } from "./positions.ts";
import type { Table } from "./raw.ts";
import type { TopologyFile } from "./schema.ts";
import { TOML_DEPTH_MAX } from "./toml-scan.ts";
import type { Topology } from "./topology.ts";
import { type DiskBytes, warnOfDisks } from "./warn-disks.ts";
import { type CertificateTrouble, type IsFile, warnOfCertificates } from "./warn-files.ts";
import { warnOfEffects } from "./warnings.ts";

export type ReadResult =
  | {
      readonly kind: "ok";
      readonly topology: Topology;
      readonly warnings: readonly Warning[];
      /** As it was written, with its defaults; for comparing it with a later reading. */
      readonly file: TopologyFile;
    }
  | { readonly kind: "mistakes"; readonly mistakes: readonly Mistake[] };

export interface ReadOptions {
  /** The file's name as mistakes show it. */
  readonly file: string;
  /** Absolute; relative paths in the file are taken from here. */
  readonly baseDir: string;
  /** Whether a folder is there now; without it nothing is said of folders that are missing. */
  readonly isFolder?: (path: string) => boolean;
  /** The same of files. */
  readonly isFile?: IsFile;
  /** With `isFile`: what is wrong with certificates and keys that are there. */
  readonly certificateTrouble?: CertificateTrouble;
  /** Where given, capacities are compared with the disks they are for. */
  readonly diskBytes?: DiskBytes;
}

/** Never throws for what is in `text`. Mistakes and warnings come in the order of the file. */
export function readTopology(text: string, options: ReadOptions): ReadResult {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.topologyBytesMax) {
    const expected = `at most ${LIMITS.topologyBytesMax} bytes`;
    return onlyMistake(options.file, { line: 1, column: 1 }, `${bytes} bytes`, expected);
  }
  const parsed = parseToml(text);
  if (parsed.kind === "bad") {
    return onlyMistake(options.file, parsed.place, parsed.found, "valid TOML (https://toml.io)");
  }
  return readTable(parsed.table, indexPositions(text), options);
}

function readTable(table: Table, positions: Positions, options: ReadOptions): ReadResult {
  const { file, baseDir, isFolder, isFile, certificateTrouble, diskBytes } = options;
  const mistakes: Mistake[] = [];
  const warnings: Warning[] = [];
  const findings: Findings = {
    mistake(path, { found, expected, nearest, at }) {
      const place = at === "key" ? positions.key(path) : positions.value(path);
      mistakes.push({ file, ...place, key: dottedKey(path), found, expected, nearest });
    },
    warn(path, message) {
      warnings.push({ file, ...positions.key(path), key: dottedKey(path), message });
    },
    placeOf: (path) => `line ${positions.value(path).line}`,
  };
  const checked = checkValues(table, findings);
  checkLevels(table, findings);
  checkSettings(table, findings);
  checkAddresses(table, baseDir, findings);
  if (checked === undefined || mistakes.length > 0)
    return { kind: "mistakes", mistakes: inOrder(mistakes) };
  warnOfEffects(table, { baseDir, isFolder }, findings);
  if (isFile !== undefined) {
    warnOfCertificates(table, { baseDir, isFile, certificateTrouble }, findings);
  }
  const topology = buildTopology(checked, baseDir);
  if (diskBytes !== undefined) warnOfDisks(table, topology, { diskBytes, findings });
  return { kind: "ok", topology, warnings: warnings.sort(byPlace), file: checked };
}

type Parsed =
  | { readonly kind: "ok"; readonly table: Table }
  | { readonly kind: "bad"; readonly place: Place; readonly found: string };

function parseToml(text: string): Parsed {
  try {
    return { kind: "ok", table: parse(text, { maxDepth: TOML_DEPTH_MAX }) };
  } catch (error) {
    const why =
      error instanceof Error ? error.message.split("\n", 1).join() : "a text that is not TOML";
    const found = hinted(why.replace("Invalid TOML document: ", ""));
    if (!(error instanceof TomlError)) return { kind: "bad", place: { line: 1, column: 1 }, found };
    // the parser also counts a lone carriage return as the end of a line
    const line = Math.min(error.line, text.split("\n").length);
    return { kind: "bad", place: { line, column: error.column }, found };
  }
}

/** What the parser says of a text that goes on where its line should have ended it. */
function hinted(found: string): string {
  const unclosed = found.includes("control characters are not allowed in strings");
  return unclosed ? `${found}: is a closing quote missing?` : found;
}

function onlyMistake(file: string, place: Place, found: string, expected: string): ReadResult {
  const mistake: Mistake = { file, ...place, key: "", found, expected, nearest: undefined };
  return { kind: "mistakes", mistakes: [mistake] };
}

/** In the order of the file; past the limit only their number is told. */
function inOrder(mistakes: Mistake[]): readonly Mistake[] {
  mistakes.sort(byPlace);
  const first = mistakes[LIMITS.topologyMistakesMax];
  if (first === undefined) return mistakes;
  const more = mistakes.length - LIMITS.topologyMistakesMax;
  const rest: Mistake = {
    ...first,
    key: "",
    found: `${more} more ${more === 1 ? "mistake" : "mistakes"} from here on`,
    expected: "the ones above to be mended first",
    nearest: undefined,
  };
  return [...mistakes.slice(0, LIMITS.topologyMistakesMax), rest];
}

function byPlace(a: Mistake | Warning, b: Mistake | Warning): number {
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
}
