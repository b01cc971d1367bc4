/** Tries whether a directory of the cache can be read and written, without waiting for a disk that hangs. */

import { mkdir, open, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { errnoOf, isDiskFull, isExhausted, isMissing } from "../base/errno.ts";
import { identityPath, parseIdentity } from "./disk-identity.ts";
import { journalPath, metaDir } from "./journal.ts";

export type Probed =
  | { readonly kind: "well" }
  | { readonly kind: "unwritable"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string }
  /** There is `.mir` without the mark of this directory: emptied, or a new disk that somebody has prepared. */
  | { readonly kind: "fresh" }
  /** The journal that records go to is gone. */
  | { readonly kind: "torn" }
  /** It could not be tried, and the disk is not to blame. */
  | { readonly kind: "unknown" };

export interface ProbeWish {
  /** The mark it should have; undefined: any. */
  readonly identity: string | undefined;
  /** Number of the journal it should have; 0: none. */
  readonly journal: number;
}

/** A disk that hangs keeps a thread of the pool: it is not probed again before its last probe has ended. */
export function makeProbe(
  dir: string,
  waitMs: number = DEADLINES.diskProbeMs,
): (wish: ProbeWish) => Promise<Probed> {
  let pending: Promise<Probed> | undefined;
  return async (wish) => {
    const late = Promise.withResolvers<Probed>();
    const why = `it has not answered for ${waitMs} ms`;
    const timer = setTimeout(() => late.resolve({ kind: "failed", why }), waitMs);
    pending ??= probe(dir, wish).finally(() => {
      pending = undefined;
    });
    try {
      return await Promise.race([pending, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

async function probe(dir: string, { identity, journal }: ProbeWish): Promise<Probed> {
  try {
    // the one thing that tells a directory from the place where a disk should be
    await stat(metaDir(dir));
    const found = await identityIn(dir);
    if (found === undefined) return { kind: "fresh" };
    if (identity !== undefined && found !== identity) {
      return { kind: "failed", why: "it is another disk (restart the node to use it)" };
    }
    if (journal > 0 && !(await isThere(journalPath(dir, journal)))) return { kind: "torn" };
  } catch (error) {
    if (isExhausted(error)) return { kind: "unknown" };
    return { kind: "failed", why: isMissing(error) ? notMounted(dir) : textOf(error) };
  }
  return tryWriting(dir);
}

export function notMounted(dir: string): string {
  return `there is no .mir in it: is it mounted? (mkdir ${metaDir(dir)} to begin anew there)`;
}

/** undefined when there is no mark. */
async function identityIn(dir: string): Promise<string | undefined> {
  try {
    return parseIdentity(await readFile(identityPath(dir), "latin1"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function tryWriting(dir: string): Promise<Probed> {
  const folder = join(metaDir(dir), "tmp");
  const path = join(folder, "probe");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(path, "w", 0o600);
    try {
      await handle.write("mir");
    } finally {
      await handle.close();
    }
    await unlink(path);
    return { kind: "well" };
  } catch (error) {
    // on what is full room is made
    if (isDiskFull(error)) return { kind: "well" };
    if (isExhausted(error)) return { kind: "unknown" };
    return { kind: "unwritable", why: textOf(error) };
  }
}

function textOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
}
