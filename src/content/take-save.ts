/** Content that a peer tells this node to keep: an upload on its way, or a variant for this level (spec §3). */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { ORIG, parseRelname, type Variant } from "../base/variant.ts";
import { sniff } from "../image/sniff.ts";
import type { SaveMessage, ToldAnswer } from "../mesh/tell.ts";
import { sizeNames } from "../topology/topology.ts";
import { startContext } from "./context.ts";
import { idOfBytes, type Kept, keepUpload } from "./keep-upload.ts";
import { probeFacts } from "./original.ts";
import type { Parts } from "./parts.ts";
import { receiveVariant } from "./receive.ts";
import { isOtherShape } from "./shape-said.ts";
import { openSpool, type Spooled } from "./spool.ts";

/**
 * Resolves when it may be acknowledged: an upload is durable and in this node's custody then, a variant in
 * its cache. A Save of an original is an upload, and so is a Rebalance that says it is one; the former goes
 * on to the next level, and the latter too, but from here: it has only moved sideways to its owner.
 */
export async function takeSave(parts: Parts, message: SaveMessage): Promise<ToldAnswer> {
  const { kind, bytes, upload } = message;
  const name = nameOf(parts, message);
  const travels = name.size === ORIG && (kind === "save" || upload !== undefined);
  if (!travels) return receiveVariant(parts, message, name);
  using spool = openSpool(parts.cache, {
    bytes,
    bytesMax: LIMITS.originalBytesMax,
    id: name.id,
  });
  for (;;) {
    const chunk = await message.body.read();
    if (chunk === undefined) break;
    spool.write(chunk);
  }
  const file = spool.finish();
  verify(message, file);
  // awaited here, because the spool goes when this function ends
  return await takeUpload(parts, message, { name, file });
}

function nameOf(parts: Parts, { meta, shape }: SaveMessage): Variant {
  const name = parseRelname(meta.relname);
  if (name === undefined) throw new Fault("bad_request", "that is no relname of this mesh");
  parts.purged.refuseBlocked(name.id);
  if (!sizeNames(parts.topology).includes(name.size)) {
    throw new Fault("bad_size", `there is no size ${name.size} here`);
  }
  if (isOtherShape(parts, { relname: meta.relname, shape })) {
    throw new Fault("bad_size", `its size is ${shape} there, and something else here`);
  }
  return name;
}

function verify({ bytes, upload }: SaveMessage, file: Spooled): void {
  if (file.bytes !== bytes) throw new Fault("bad_digest", "the content was cut short");
  if (upload?.sha256 !== undefined && upload.sha256 !== file.sha256) {
    throw new Fault("bad_digest", "the content has another SHA-256 than it should");
  }
}

async function takeUpload(
  parts: Parts,
  message: SaveMessage,
  { name, file }: { readonly name: Variant; readonly file: Spooled },
): Promise<ToldAnswer> {
  const { kind, meta, upload } = message;
  const ext = sniff(file.head);
  if (name.ext !== ext) {
    throw new Fault("wrong_ext", `the relname says ${name.ext}, the bytes are ${ext}`);
  }
  const known = meta.facts !== undefined && meta.facts.width > 0 ? meta.facts : undefined;
  const unknown = { id: name.id, path: file.path };
  const facts = known ?? (await probeFacts(parts, startContext(parts.clock), unknown));
  return ackOf(
    await keepUpload(parts, {
      id: name.id,
      ext,
      file: { ...file, xxh64: meta.validator ?? file.xxh64 },
      facts,
      modified: meta.modified ?? parts.clock.wallSeconds(),
      // further down a clash is found by the store itself: here nobody waits for the answer any more
      look: kind === "rebalance" && name.id !== idOfBytes(file.sha256),
      unchecked: upload?.unchecked === true,
      webId: upload?.webId,
    }),
  );
}

function ackOf({ created, propagated }: Kept): ToldAnswer {
  return { note: created ? "stored" : "already", detail: { propagated } };
}
