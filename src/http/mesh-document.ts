/** `GET /mesh`, also each second on `GET /events`: the whole mesh as one node sees it. */

import type { PeerState } from "../mesh/health.ts";
import type { StatusDocument } from "./status-document.ts";

export interface MeshDocument {
  /** Unix seconds with their fraction. */
  readonly at: number;
  /** The node that tells. */
  readonly server: string;
  /** Of the mesh: `[meta] name`. */
  readonly name: string;
  /** Of the topology that node has. */
  readonly epoch: string;
  /** Level 0 first. */
  readonly levels: readonly MeshLevel[];
}

export interface MeshLevel {
  readonly level: number;
  readonly servers: readonly MeshServer[];
  readonly origins: readonly MeshOrigin[];
}

export interface MeshServer {
  readonly name: string;
  readonly region: string | null;
  /** The topology says so: it gives its content away. */
  readonly draining: boolean;
  readonly state: PeerState | "unknown";
  /** The node that says so; null when nobody can. */
  readonly seenBy: string | null;
  /** Milliseconds from that node; null where it is not known. */
  readonly rttMs: number | null;
  /** What it tells of itself. */
  readonly status?: StatusDocument;
  /** Unix seconds at which it told that: rates are differences of two. */
  readonly statusAt?: number;
  /** Why there is no status. */
  readonly statusReason?: string;
}

export interface MeshOrigin {
  readonly name: string;
  readonly kind: "directory" | "s3";
  /** Some node leaves it alone for now because it keeps failing. */
  readonly leftAlone: boolean;
}
