/** Stores an original under its relname, once, and reads back that it is there (spec §2 "upload"). */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { isContentId, isOriginalExt, ORIG, relnameOf } from "../base/variant.ts";
import { digestFile, readLocal, sizeOfLocal } from "./local-file.ts";
import { originNames } from "./names.ts";
import type { OriginParts, PutOptions, PutResult } from "./port.ts";
import { badOrigin, type Store, type Stored, tooSlow } from "./store.ts";

/** Names that are asked about at once. */
const PROBES_AT_ONCE = 8;

/**
 * Nothing there is ever replaced: the same bytes are "already", others are `conflict`. Two nodes that put
 * other bytes under one id at the same moment are not kept apart, as few stores know a conditional PUT;
 * an id has one owner, which is the only one to put it.
 */
export async function putOriginal(
  store: Store,
  parts: OriginParts,
  options: PutOptions & { readonly id: string },
): Promise<PutResult> {
  const { clock, counters, waits } = parts;
  const path = pathOf(options);
  const endAt = clock.monotonicMs() + options.deadlineMs;
  const leftMs = (): number => {
    const left = endAt - clock.monotonicMs();
    if (left <= 0) throw tooSlow();
    return left;
  };
  const probe = (name: string): Promise<Stored | undefined> => {
    counters.add("origin_probe");
    return store.probe(name, Math.min(leftMs(), waits.probeMs));
  };
  const md5 = await checkLocal(options);
  const there = (await probe(path)) ?? (await elsewhere(store, { ...options, path, probe }));
  if (there !== undefined) {
    await sameOrThrow(there, options, md5, leftMs);
    return "already";
  }
  const put = await store.put(path, { path: options.path, bytes: options.bytes, md5 }, leftMs());
  const kept = await probe(path);
  if (put === "exists" && kept !== undefined) {
    await sameOrThrow(kept, options, md5, leftMs);
    return "already";
  }
  if (kept?.bytes !== options.bytes) {
    throw badOrigin("the origin store did not keep what it was given");
  }
  counters.add("origin_put");
  return "stored";
}

/**
 * The original that the id has under another name. One that is put beside it could hide it: of several names
 * the first that is tried is the picture.
 */
async function elsewhere(
  store: Store,
  options: {
    readonly id: string;
    readonly path: string;
    readonly unchecked?: boolean;
    readonly probe: (name: string) => Promise<Stored | undefined>;
  },
): Promise<Stored | undefined> {
  const { id, path, probe } = options;
  if (options.unchecked !== true) return undefined;
  const names = originNames(id, { upperCase: store.upperCase });
  const others = [...names].filter((name) => name.path !== path);
  // each is a round trip, and nearly always there is none
  for (let at = 0; at < others.length; at += PROBES_AT_ONCE) {
    const some = others.slice(at, at + PROBES_AT_ONCE);
    const found = await Promise.all(some.map((name) => probe(name.path)));
    const first = found.find((stored) => stored !== undefined);
    if (first !== undefined) return first;
  }
  return undefined;
}

function pathOf(options: { readonly id: string; readonly ext: string }): string {
  const { id, ext } = options;
  if (isContentId(id) && isOriginalExt(ext)) return relnameOf({ id, size: ORIG, ext });
  throw new Fault("bad_request", "not the name of an original");
}

/** What reached this disk must still be what was acknowledged; MD5, which is what stores check by. */
async function checkLocal(options: PutOptions): Promise<Uint8Array> {
  const { path, bytes, sha256 } = options;
  if (bytes > LIMITS.originalBytesMax) {
    throw new Fault("image_too_large", "the original is larger than any this site stores");
  }
  if ((await sizeOfLocal(path)) !== bytes) {
    throw new Fault("bad_digest", "the file to store has another length than announced");
  }
  const found = await digestFile(path);
  if (sha256 !== undefined && found.sha256 !== sha256.toLowerCase()) {
    throw new Fault("bad_digest", "the file to store has other bytes than announced");
  }
  return found.md5;
}

async function sameOrThrow(
  stored: Stored,
  options: PutOptions,
  md5: Uint8Array,
  leftMs: () => number,
): Promise<void> {
  const conflict = new Fault("conflict", "the origin store holds other bytes under this id");
  if (stored.bytes !== options.bytes) throw conflict;
  // an ETag is the MD5 in most stores, not where they encrypt or put in parts: then only the bytes tell
  if (stored.etag === `"${Buffer.from(md5).toString("hex")}"`) return;
  if (!(await sameBytes(stored.body(), options.path, leftMs))) throw conflict;
}

async function sameBytes(body: Body, path: string, leftMs: () => number): Promise<boolean> {
  await using local = await readLocal(path);
  try {
    for (;;) {
      leftMs();
      const chunk = await body.read();
      if (chunk === undefined) return true;
      if (!(await local.startsWith(chunk))) return false;
    }
  } finally {
    body.cancel();
  }
}
