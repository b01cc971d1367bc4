/** The real parts of one node of a small mesh, with peers that the test plays. */

import { stringify } from "smol-toml";
import type { Body } from "../../src/base/body.ts";
import { Fault } from "../../src/base/fault.ts";
import type { VariantMeta } from "../../src/base/variant.ts";
import { restoreCache } from "../../src/cache/restore.ts";
import type { Parts } from "../../src/content/parts.ts";
import { NO_CREDENTIALS } from "../../src/mesh/credentials.ts";
import type { Links } from "../../src/mesh/link.ts";
import type { PeerReply, PeerRequest } from "../../src/mesh/peer.ts";
import type { Tell } from "../../src/mesh/tell.ts";
import { openTraffic } from "../../src/mesh/traffic.ts";
import { createSharedSet } from "../../src/node/memory.ts";
import type { SharedSet } from "../../src/node/messages.ts";
import { makeParts } from "../../src/node/parts.ts";
import { makePeerDirectory } from "../../src/node/peer-directory.ts";
import { readTopology } from "../../src/topology/read.ts";
import { serverNamed, type Topology } from "../../src/topology/topology.ts";
import { freePort } from "./free-port.ts";
import { makeTempDir } from "./temp-dir.ts";
import { type WatchedParts, watchedParts } from "./watched-parts.ts";

export interface PlayedPeers {
  /** Default: nothing is on any disk. */
  readonly ask?: (peer: string, request: PeerRequest) => Promise<PeerReply>;
  /** Default: it is taken. */
  readonly tell?: (peer: string, message: Tell) => Promise<string>;
}

export interface NodeParts extends Disposable {
  readonly parts: Parts;
  readonly memory: SharedSet;
  readonly watched: WatchedParts;
  readonly asked: { readonly peer: string; readonly request: PeerRequest }[];
  readonly told: { readonly peer: string; readonly message: Tell }[];
}

/** Edges that share a level above a directory; those that drain; the topology as it is read from a file. */
export function edgeTopology(
  edges: readonly string[],
  more: { readonly draining?: readonly string[]; readonly routing?: object; dir?: string } = {},
): Topology {
  const { draining = [], routing = {}, dir = "/nowhere" } = more;
  const servers = edges.map((name, i) => ({
    name,
    cache_dir: name,
    capacity: "64MiB",
    draining: draining.includes(name),
    private: [{ host: `127.0.0.${i + 1}`, port: freePort() }],
  }));
  const levels = [{ servers }, { servers: [{ name: "origin", origin_dir: "origin" }] }];
  const text = stringify({ meta: { name: "test" }, routing, levels });
  const read = readTopology(text, { file: "mesh.toml", baseDir: dir });
  if (read.kind !== "ok") throw new Error(JSON.stringify(read.mistakes));
  return read.topology;
}

/** Its topology is new to it: it probes, until `probing` says otherwise. */
export function makeNodeParts(options: {
  readonly self: string;
  readonly edges: readonly string[];
  readonly draining?: readonly string[];
  readonly routing?: object;
  readonly probing?: boolean;
  readonly peers?: PlayedPeers;
  /** Default: none. */
  readonly images?: Parts["images"];
}): NodeParts {
  using stack = new DisposableStack();
  const { self, edges, probing = true, peers = {} } = options;
  const dir = stack.use(makeTempDir()).path;
  const topology = edgeTopology(edges, { ...options, dir });
  const watched = watchedParts();
  const { log, clock } = watched;
  const memory = createSharedSet(topology, serverNamed(topology, self), 1);
  for (const disk of memory.disks) stack.use(restoreCache({ ...disk, log, clock }));
  const asked: NodeParts["asked"] = [];
  const told: NodeParts["told"] = [];
  const links = playedLinks(peers, { asked, told });
  const made = makeParts({
    ...{
      topology,
      server: self,
      worker: 0,
      memory,
      secrets: undefined,
      uploadKeys: [],
      publicTls: undefined,
    },
    credentials: NO_CREDENTIALS,
    log: { level: "error", json: false },
    peers: makePeerDirectory(topology),
    onLost() {},
    traffic: openTraffic(memory.traffic, 0),
    images: options.images ?? {
      run: () => Promise.reject(new Fault("image_failed", "no image workers here")),
    },
    resolve: async (id) => ({ kind: "known", id, ext: undefined }),
    announce: async () => {},
    custody: async () => {},
    purge: async () => ({ note: "" }),
    heat: { report() {}, admit: async () => true },
  });
  const { counters } = watched;
  const rebalancing = (): boolean => probing;
  const parts = { ...made, links, counters, log, clock, rebalancing };
  stack.defer(() => {
    made.later[Symbol.dispose]();
    made.links.close();
    made.cache.close();
  });
  const kept = stack.move();
  return { parts, memory, watched, asked, told, [Symbol.dispose]: () => kept.dispose() };
}

function playedLinks(peers: PlayedPeers, to: Pick<NodeParts, "asked" | "told">): Links {
  const { ask = () => Promise.reject(notThere()), tell = async () => "stored" } = peers;
  return {
    ask(peer, request) {
      to.asked.push({ peer, request });
      return ask(peer, request);
    },
    async tell(peer, message) {
      to.told.push({ peer, message });
      return { ok: true, note: await tell(peer, message) };
    },
    state: () => ({ connections: 0, waiting: 0 }),
    forget() {},
    close() {},
  };
}

export function notThere(): Fault {
  return new Fault("not_found", "not on this disk");
}

/** What a peer answers that has the variant: without a body where none is wanted. */
export function replyOf(meta: VariantMeta, request: PeerRequest): PeerReply {
  const bare = request.head === true || request.facts === true;
  const chunks = bare ? [] : [Buffer.alloc(meta.bytes, meta.relname)];
  return { meta, via: "", detail: "hit", body: bodyOf(chunks) };
}

function bodyOf(chunks: Uint8Array[]): Body {
  return { read: async () => chunks.shift(), cancel() {} };
}
