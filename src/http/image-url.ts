/** The grammar of picture URLs, in both directions (spec §2). */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type Format, isFormat, ORIG, PLACEHOLDER, PLACEHOLDER_FORMAT } from "../base/variant.ts";
import { isWebId } from "../base/web-name.ts";
import type { ImageSettings, SizeClass } from "../topology/topology.ts";

/** What of a topology decides how a URL is read. */
export interface UrlRules {
  readonly prefix: string;
  /** From small to large. */
  readonly sizes: readonly SizeClass[];
  readonly policy: ImageSettings["policy"];
  /** Boxes `WxH` that `exact` allows. */
  readonly exactSizes: readonly string[];
}

export interface ParsedImageUrl {
  readonly webId: string;
  /** A class, an exact box, `orig` or `placeholder`; boxes are snapped already. */
  readonly size: string;
  /** For people only: no part of any key. */
  readonly filename: string;
  /** Always `auto` for `orig`: the stored bytes decide. */
  readonly format: Format | "auto";
  /** What the browser says of its screen had a part in `size`. */
  readonly hinted?: true;
}

/** A box as the client would like it on its screen (client-hints.ts). */
export type HintBox = (box: { readonly width: number; readonly height: number }) => {
  readonly width: number;
  readonly height: number;
};

/** Boxes that are named to who asked for another one. */
const BOXES_TOLD_MAX = 16;
const BOX = /^([1-9][0-9]{0,3})x([1-9][0-9]{0,3})$/;
const EXT = /^[A-Za-z]{1,5}$/;
/** A filename may hold neither separators, nor controls, nor what a decoder put for broken UTF-8. */
const UNFIT = /[\u0000-\u001f\u007f/\\\ufffd]/;
const SEGMENTS = 5;
/** Where pictures are sent, on listeners that take them; no picture is there. */
export const UPLOAD_PATH = "/upload-propagate";

/**
 * Reads a request target: `/puddle/…`, or the absolute form that `Request.url` has. The query is ignored.
 * Each of webId, size and filename is percent-decoded once. Throws `not_found` for another prefix,
 * `bad_url`, `bad_web_id`, `bad_size` and `bad_format` for what the grammar refuses. With `hint`, boxes that are snapped
 * are first made what it says.
 */
export function parseImageUrl(target: string, rules: UrlRules, hint?: HintBox): ParsedImageUrl {
  const path = pathOfTarget(target);
  if (path.length > LIMITS.urlCharsMax) {
    throw new Fault("bad_url", `the path is longer than ${LIMITS.urlCharsMax} characters`);
  }
  // one more than fits, so that a path with too many segments shows
  const segments = path.split("/", SEGMENTS + 1);
  const [root, prefix, webIdText, sizeText, fileText] = segments;
  if (root !== "" || prefix !== rules.prefix)
    throw new Fault("not_found", "nothing is served here");
  if (
    segments.length !== SEGMENTS ||
    webIdText === undefined ||
    sizeText === undefined ||
    fileText === undefined
  ) {
    throw new Fault("bad_url", "a picture URL has four segments");
  }
  const webId = decodeOnce(webIdText);
  if (!isWebId(webId)) throw new Fault("bad_web_id", "that is no web id");
  const { size, hinted } = sizeOf(decodeOnce(sizeText), rules, hint);
  const { filename, format } = fileOf(decodeOnce(fileText), size);
  // without spreads, which took a tenth of the time of a hit
  return hinted === undefined
    ? { webId, size, filename, format }
    : { webId, size, filename, format, hinted };
}

/** The path of `Request.url` or of a bare target (Bun hands out the latter where `Host` is missing or odd). */
export function pathOfTarget(target: string): string {
  let start = 0;
  if (!target.startsWith("/")) {
    const authority = target.indexOf("://");
    start = authority < 0 ? -1 : target.indexOf("/", authority + 3);
    if (start < 0) return "/";
  }
  const query = target.indexOf("?", start);
  const fragment = target.indexOf("#", start);
  const end = Math.min(query < 0 ? target.length : query, fragment < 0 ? target.length : fragment);
  return target.slice(start, end);
}

/** The URL path of a picture. The parts must be such as `parseImageUrl` gives; `ext` as it shall read. */
export function imageUrl(parts: {
  readonly prefix: string;
  readonly webId: string;
  readonly size: string;
  readonly filename: string;
  readonly ext: string;
}): string {
  const { prefix, webId, size, filename, ext } = parts;
  return `/${prefix}/${webId}/${size}/${encodeURIComponent(filename)}.${ext}`;
}

function decodeOnce(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw badEscape(error);
  }
}

function badEscape(cause: unknown): Fault {
  return new Fault("bad_url", "a percent escape is not valid UTF-8", { cause });
}

function sizeOf(
  text: string,
  rules: UrlRules,
  hint: HintBox | undefined,
): Pick<ParsedImageUrl, "size" | "hinted"> {
  if (text === ORIG || text === PLACEHOLDER) return { size: text };
  if (rules.sizes.some((size) => size.name === text)) return { size: text };
  const [, widthText, heightText] = BOX.exec(text) ?? [];
  const width = Number(widthText ?? Number.NaN);
  const height = Number(heightText ?? Number.NaN);
  if (!(width <= LIMITS.boxSideMax && height <= LIMITS.boxSideMax)) {
    throw new Fault("bad_size", `that is no size; this site has ${sizesOf(rules)}`);
  }
  if (rules.policy === "exact" && rules.exactSizes.includes(text)) return { size: text };
  if (rules.policy !== "snap") throw unserved(rules);
  const box = { width, height };
  const size = snap(hint === undefined ? box : hint(box), rules);
  return hint === undefined ? { size } : { size, hinted: true };
}

/** The smallest class that holds the box, pictures being shown whole; beyond the largest: the largest (spec §2). */
function snap(box: { readonly width: number; readonly height: number }, rules: UrlRules): string {
  const whole = rules.sizes.filter(({ fit = "inside" }) => fit === "inside");
  const holding = whole.find((size) => size.width >= box.width && size.height >= box.height);
  const snapped = holding ?? whole.at(-1);
  if (snapped === undefined) throw unserved(rules);
  return snapped.name;
}

/** For whoever writes a page: they are no secret, each is in some URL of it. */
function sizesOf({ sizes, policy, exactSizes }: UrlRules): string {
  const boxes = policy === "exact" ? exactSizes : [];
  const more = boxes.length > BOXES_TOLD_MAX ? ` and ${boxes.length - BOXES_TOLD_MAX} more` : "";
  const told = boxes.slice(0, BOXES_TOLD_MAX);
  return [ORIG, ...sizes.map(({ name }) => name), PLACEHOLDER, ...told].join(", ") + more;
}

function unserved(rules: UrlRules): Fault {
  return new Fault("bad_size", `this site does not serve that box; it has ${sizesOf(rules)}`);
}

function fileOf(file: string, size: string): Pick<ParsedImageUrl, "filename" | "format"> {
  const dot = file.lastIndexOf(".");
  if (dot < 1) throw new Fault("bad_url", "the last segment is filename.ext");
  const filename = file.slice(0, dot);
  if (UNFIT.test(filename)) {
    throw new Fault("bad_url", "the filename holds a character it may not");
  }
  const ext = file.slice(dot + 1);
  if (!EXT.test(ext)) throw new Fault("bad_format", "that is no format");
  if (size === ORIG) return { filename, format: "auto" };
  const format = formatOf(ext.toLowerCase());
  return { filename, format: size === PLACEHOLDER ? placeholderFormat(format) : format };
}

/** There is one format, so `auto` has nothing to choose. */
function placeholderFormat(format: Format | "auto"): Format {
  if (format === PLACEHOLDER_FORMAT || format === "auto") return PLACEHOLDER_FORMAT;
  throw new Fault("bad_format", `a placeholder is ${PLACEHOLDER_FORMAT}`);
}

function formatOf(ext: string): Format | "auto" {
  if (ext === "auto" || isFormat(ext)) return ext;
  if (ext === "jpeg") return "jpg";
  throw new Fault("bad_format", "that is no format");
}
