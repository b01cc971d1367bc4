/** The running mesh as the demo speaks to it: its edges' addresses, owners, URLs of pictures. */

import { contentIdOfWebId } from "../../base/web-name.ts";
import { imageUrl } from "../../http/image-url.ts";
import { makeOwnership } from "../../mesh/ownership.ts";
import type { Server, Topology } from "../../topology/topology.ts";
import type { Photo } from "./photo.ts";

export interface Edge {
  readonly name: string;
  /** `http://127.0.0.1:8080`. */
  readonly origin: string;
}

export interface MeshMap {
  readonly edges: readonly [Edge, ...Edge[]];
  /** Every server that is a process, level by level. */
  readonly servers: readonly Server[];
  /** The edge that owns a picture first, the others in the order of the topology. */
  ownerFirst(photo: Photo): readonly [Edge, ...Edge[]];
  /** `format` as it shall stand in the URL; for `orig` it decides nothing. */
  url(
    edge: Edge,
    photo: Photo,
    variant: { readonly size: string; readonly format: string },
  ): string;
}

/** Every server of level 0 must have a TCP listener, as in the checked-in topology. */
export function mapMesh(topology: Topology): MeshMap {
  const ownership = makeOwnership(topology);
  const { prefix } = topology.http;
  const servers = topology.levels.flatMap((level) => level.servers);
  const [first, ...rest] = servers.filter((server) => server.level === 0).map(edgeOf);
  if (first === undefined) throw new Error("the demo's topology has no edge");
  const edges: MeshMap["edges"] = [first, ...rest];
  return {
    edges,
    servers,
    ownerFirst(photo) {
      const id = contentIdOfWebId(photo.webId) ?? photo.webId;
      const [owner] = ownership.topRanks(0, undefined, id);
      const found = edges.find((edge) => edge.name === owner) ?? first;
      return [found, ...edges.filter((edge) => edge !== found)];
    },
    url(edge, photo, { size, format }) {
      const { webId } = photo;
      return edge.origin + imageUrl({ prefix, webId, size, filename: webId, ext: format });
    },
  };
}

function edgeOf(server: Server): Edge {
  const listener = server.publics.find((l) => l.type === "net");
  if (listener?.type !== "net") throw new Error(`${server.name} has no TCP listener`);
  return { name: server.name, origin: `http://${listener.host}:${listener.port}` };
}
