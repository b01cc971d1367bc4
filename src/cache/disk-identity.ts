/** A mark in each directory of a cache, so that another disk under the same path, or none, is noticed. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMissing } from "../base/errno.ts";
import { metaDir } from "./journal.ts";

const IDENTITY = /^[0-9a-f]{16}$/;

export function identityPath(dir: string): string {
  return join(metaDir(dir), "disk");
}

/** That of a directory, made when it has none. Throws what the file system says. */
export function ensureIdentity(dir: string): string {
  const known = readIdentity(dir);
  if (known !== undefined) return known;
  const made = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  writeFileSync(identityPath(dir), `${made}\n`, { mode: 0o600 });
  return made;
}

/** undefined when there is none, or no whole one. */
function readIdentity(dir: string): string | undefined {
  try {
    return parseIdentity(readFileSync(identityPath(dir), "latin1"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function parseIdentity(text: string): string | undefined {
  const identity = text.trim();
  return IDENTITY.test(identity) ? identity : undefined;
}

/** Whether mir has used the directory, or somebody says that it may: a disk that is not mounted has no `.mir`. */
export function isPrepared(dir: string): boolean {
  return existsSync(metaDir(dir));
}
