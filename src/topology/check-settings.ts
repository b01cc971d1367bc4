/** Checks tables of settings that must fit together: sizes, exact boxes, formats, the store. */

import { LIMITS } from "../base/limits.ts";
import { type Findings, type Path, show } from "./mistakes.ts";
import { numberOf, type RawTable, type Table, tableOf, tablesOf, textOf } from "./raw.ts";
import { parseStoreAddress, STORE_ADDRESS_EXPECTED } from "./store-address.ts";

export function checkSettings(file: Table, findings: Findings): void {
  checkSizes(file, findings);
  const image = tableOf(file, "image");
  checkUnique(image["exact_sizes"], ["image", "exact_sizes"], findings);
  checkUnique(image["auto_formats"], ["image", "auto_formats"], findings);
  checkCount(image["exact_sizes"], ["image", "exact_sizes"], LIMITS.exactSizesMax, findings);
  checkStore(tableOf(file, "s3"), findings);
  checkTls(tableOf(file, "security"), findings);
}

const TLS_KEYS = ["tls_cert", "tls_key", "tls_ca"];

function checkTls(security: Table, findings: Findings): void {
  const missing = TLS_KEYS.filter((key) => security[key] === undefined);
  if (missing.length === 0 || missing.length === TLS_KEYS.length) return;
  findings.mistake(["security"], {
    found: `no ${missing.join(" and no ")}`,
    expected: `all of ${TLS_KEYS.join(", ")}, or none`,
  });
}

/** Names once, and one class at least that shows pictures whole: larger boxes in URLs and small pictures need it. */
function checkSizes(file: Table, findings: Findings): void {
  const listed = file["sizes"];
  if (Array.isArray(listed) && listed.length === 0) {
    findings.mistake(["sizes"], {
      found: "no size class",
      expected: "at least one, or no [[sizes]] at all",
    });
  }
  checkCount(listed, ["sizes"], LIMITS.sizeClassesMax, findings);
  const names = new Map<string, Path>();
  const classes = tablesOf(listed, ["sizes"]);
  for (const { table, path } of classes) {
    const name = textOf(table, "name");
    const first = name === undefined ? undefined : names.get(name);
    if (name !== undefined && first !== undefined)
      tellTwice([...path, "name"], name, first, findings);
    else if (name !== undefined) names.set(name, [...path, "name"]);
    checkUnique(table["auto_formats"], [...path, "auto_formats"], findings);
  }
  const whole = classes.filter(({ table: { fit } }) => fit !== "cover" && fit !== "contain");
  if (classes.length > 0 && whole.length === 0) {
    findings.mistake(["sizes"], {
      found: "no class that shows pictures whole",
      expected: 'at least one with fit = "inside", which is the default',
    });
  }
  checkOrder(whole, findings);
}

/** Ordered and nested: `snap` takes the first class that holds the wanted box (spec §2). */
function checkOrder(classes: readonly RawTable[], findings: Findings): void {
  let before: { readonly width: number; readonly height: number } | undefined;
  for (const { table, path } of classes) {
    const width = numberOf(table, "width");
    const height = numberOf(table, "height");
    if (width === undefined || height === undefined) continue;
    if (before !== undefined && !isLarger({ width, height }, before)) {
      findings.mistake(path, {
        found: `${width}x${height} after ${before.width}x${before.height}`,
        expected: "classes from small to large, each holding the one before it",
      });
    }
    before = { width, height };
  }
}

interface Box {
  readonly width: number;
  readonly height: number;
}

function isLarger(box: Box, than: Box): boolean {
  if (box.width < than.width || box.height < than.height) return false;
  return box.width > than.width || box.height > than.height;
}

function checkCount(list: unknown, path: Path, most: number, findings: Findings): void {
  if (!Array.isArray(list) || list.length <= most) return;
  findings.mistake(path, { found: `${list.length} entries`, expected: `at most ${most}` });
}

function checkUnique(list: unknown, path: Path, findings: Findings): void {
  if (!Array.isArray(list)) return;
  const seen = new Map<string, Path>();
  list.forEach((item: unknown, i) => {
    if (typeof item !== "string") return;
    const first = seen.get(item);
    if (first === undefined) seen.set(item, [...path, i]);
    else tellTwice([...path, i], item, first, findings);
  });
}

function tellTwice(path: Path, name: string, first: Path, findings: Findings): void {
  findings.mistake(path, {
    found: `${JSON.stringify(name)} a second time`,
    expected: `each once (${findings.placeOf(first)} has it)`,
  });
}

function checkStore(store: Table, findings: Findings): void {
  const host = textOf(store, "host");
  if (host !== undefined && parseStoreAddress(host).kind === "bad") {
    findings.mistake(["s3", "host"], { found: show(host), expected: STORE_ADDRESS_EXPECTED });
  }
  if (store["path_style"] === true && store["bucket"] === undefined) {
    findings.mistake(["s3", "path_style"], {
      found: "path_style = true without bucket",
      expected: "bucket: without it the host names the bucket",
    });
  }
}
