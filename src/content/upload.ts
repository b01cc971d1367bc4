/** What a client uploads, from its first byte to another node's word for it, or this node's own (spec §2). */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { ORIG, parseRelname } from "../base/variant.ts";
import { sniff } from "../image/sniff.ts";
import type { Told } from "../mesh/tell.ts";
import { startContext } from "./context.ts";
import { isUnreachable } from "./first-of.ts";
import { type Arrival, idOfBytes, type Kept, keepUpload, metaOfArrival } from "./keep-upload.ts";
import { originalOf, probeFacts } from "./original.ts";
import type { Parts } from "./parts.ts";
import { isLegacy } from "./read-back.ts";
import { openSpool, type Spool } from "./spool.ts";
import { spread } from "./spread.ts";
import { candidatesFor } from "./upstream.ts";

/** What the client says of the bytes that follow. */
export interface UploadWish {
  readonly relname?: string | undefined;
  readonly contentId?: string | undefined;
  readonly webId?: string | undefined;
  /** SHA-256, hex in small letters. */
  readonly digest?: string | undefined;
}

export interface Uploaded extends Kept {
  readonly contentId: string;
  readonly relname: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** Disposing it unfinished leaves nothing behind. */
export interface Receiving extends Disposable {
  write(chunk: Uint8Array): void;
  /** Resolves when a node of this level vouches for the picture. */
  finish(): Promise<Uploaded>;
}

export type ReceiveUpload = (wish: UploadWish) => Receiving;

/** Milliseconds per byte at the slowest pace between nodes that is worth waiting for. */
const SLOWEST_MS_PER_BYTE = 1 / 512;

/** Throws the Fault of a wish that cannot be met, before any byte of the picture is taken. */
export function receiveUpload(parts: Parts, wish: UploadWish): Receiving {
  if (parts.topology.levels.every((level) => level.origins.length === 0)) {
    throw new Fault("no_store", "this mesh keeps no uploads");
  }
  const named = nameOf(wish);
  const spool = openSpool(parts.cache, {
    bytesMax: parts.topology.limits.imageSourceBytes,
    id: named.id,
  });
  return {
    write: (chunk) => spool.write(chunk),
    finish: () => finish(parts, spool, { ...wish, ...named }),
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  };
}

/** How long another node may take to vouch for so many bytes. */
export function handMs(bytes: number): number {
  return Math.ceil(DEADLINES.uploadHandMs + bytes * SLOWEST_MS_PER_BYTE);
}

interface Named {
  readonly id: string | undefined;
  readonly ext: string | undefined;
}

function nameOf({ relname, contentId }: UploadWish): Named {
  if (relname === undefined) return { id: contentId, ext: undefined };
  const variant = parseRelname(relname);
  if (variant === undefined) throw new Fault("bad_request", "relname is no relname");
  if (variant.size !== ORIG) {
    throw new Fault("bad_request", `relname has the size ${variant.size}; uploads are ${ORIG}`);
  }
  if (contentId !== undefined && contentId !== variant.id) {
    throw new Fault("bad_request", "relname is of another id than contentId");
  }
  return { id: variant.id, ext: variant.ext };
}

async function finish(parts: Parts, spool: Spool, wish: UploadWish & Named): Promise<Uploaded> {
  const file = spool.finish();
  const { sha256, bytes } = file;
  if (bytes === 0) throw new Fault("bad_request", "afile is empty");
  if (wish.digest !== undefined && wish.digest !== sha256) {
    throw new Fault("bad_digest", "the bytes have another SHA-256 than digest says");
  }
  const ext = sniff(file.head);
  if (wish.ext !== undefined && wish.ext !== ext) {
    throw new Fault("wrong_ext", `relname says ${wish.ext}, the bytes are ${ext}`);
  }
  const context = startContext(parts.clock);
  const id = wish.id ?? idOfBytes(sha256);
  const facts = await probeFacts(parts, context, { id, path: file.path, whole: true });
  const modified = parts.clock.wallSeconds();
  const { webId } = wish;
  const arrival = {
    id,
    ext,
    file,
    facts,
    modified,
    look: id !== idOfBytes(sha256),
    unchecked: false,
    webId,
  };
  const kept = await handToOwner(parts, arrival);
  const meta = metaOfArrival(arrival);
  const { relname } = meta;
  if (kept.created) {
    const here = kept.keeper === parts.self.name;
    const path = here ? parts.cache.pathOf(relname) : file.path;
    await spread(parts, { meta, path }, kept.keeper);
  }
  parts.counters.add("upload");
  const { created, propagated } = kept;
  return { created, propagated, contentId: id, relname, bytes, digest: sha256 };
}

/** The owner of the id in this level, or whoever stands in for it: this node too. */
async function handToOwner(
  parts: Parts,
  arrival: Arrival,
): Promise<Kept & { readonly keeper: string }> {
  const { self, ownership } = parts;
  const ranks = ownership.topRanks(self.level, self.region, arrival.id);
  const at = ranks.indexOf(self.name);
  // the same choice as for those who ask for it: they shall find it
  const better = at < 0 ? ranks : ranks.slice(0, at);
  const question = { wanted: originalOf(arrival.id) };
  for (const { peer } of candidatesFor(parts, question, better)) {
    // it would show the picture, but hand it on to nobody: this node does that
    if (isLegacy(parts, peer)) break;
    const kept = await handTo(parts, peer, arrival);
    if (kept === undefined) continue;
    // this node may remember that there was no such picture
    const { id, webId } = arrival;
    await parts.announce({ ids: [id], webIds: webId === undefined ? [] : [webId] });
    return { ...kept, keeper: peer };
  }
  return { ...(await keepUpload(parts, arrival)), keeper: self.name };
}

/** undefined when the peer could not be reached or did not answer in time. */
async function handTo(parts: Parts, peer: string, arrival: Arrival): Promise<Kept | undefined> {
  const { file, webId } = arrival;
  const meta = metaOfArrival(arrival);
  const { relname, bytes } = meta;
  const { sha256, path } = file;
  const upload = { webId, sha256 };
  try {
    const message = { kind: "rebalance", meta, path, upload } as const;
    return keptOf(await parts.links.tell(peer, message, { deadlineMs: handMs(bytes) }));
  } catch (error) {
    const fault = asFault(error);
    if (!isUnreachable(fault) && fault.code !== "too_slow") throw fault;
    parts.counters.add("peer_failover");
    parts.log.warn("upload.owner_passed_over", { peer, relname, fault });
    return undefined;
  }
}

/** As `ackOf` in take-save.ts says it. */
function keptOf({ note, detail }: Told): Kept {
  const propagated = detail?.["propagated"] === "done" ? "done" : "queued";
  return { created: note !== "already", propagated };
}
