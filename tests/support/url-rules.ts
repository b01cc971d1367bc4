/** How picture URLs are read on a site with the usual classes, and what is said of those that are refused. */

import { asFault, type FaultCode } from "../../src/base/fault.ts";
import { type ParsedImageUrl, parseImageUrl, type UrlRules } from "../../src/http/image-url.ts";

export const SNAP: UrlRules = {
  prefix: "puddle",
  sizes: [
    { name: "xs", width: 160, height: 160 },
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768 },
    { name: "xl", width: 4096, height: 3072 },
  ],
  policy: "snap",
  exactSizes: ["200x200"],
};

export const parse = (target: string, rules = SNAP): ParsedImageUrl => parseImageUrl(target, rules);

export function refusal(target: string, rules = SNAP): FaultCode | "accepted" {
  try {
    parseImageUrl(target, rules);
    return "accepted";
  } catch (error) {
    return asFault(error).code;
  }
}
