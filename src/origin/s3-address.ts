/** Where the pictures of an S3 store are: endpoint, region and key, out of the topology's words. */

import type { OriginSpec } from "../topology/topology.ts";

export type S3Spec = Extract<OriginSpec, { kind: "s3" }>;

export interface S3Address {
  readonly endpoint: string;
  /** The bucket is part of the endpoint's host, not of the path. */
  readonly virtualHosted: boolean;
  /** undefined when the host names it. */
  readonly bucket: string | undefined;
  readonly region: string;
}

/**
 * No bucket: the host is the bucket's own. With a bucket: in the path under `path_style` (the topology's default
 * for addresses, which have no subdomains); else in front of the host, unless it is there already.
 */
export function s3Address(spec: S3Spec): S3Address {
  const { bucket } = spec;
  const region = spec.region ?? regionOf(spec.endpoint);
  if (bucket === undefined) return { endpoint: spec.endpoint, virtualHosted: true, bucket, region };
  const url = new URL(spec.endpoint);
  if (spec.pathStyle) {
    return { endpoint: spec.endpoint, virtualHosted: false, bucket, region };
  }
  const named = url.hostname.startsWith(`${bucket}.`);
  const host = named ? url.host : `${bucket}.${url.host}`;
  const path = url.pathname === "/" ? "" : url.pathname;
  return { endpoint: `${url.protocol}//${host}${path}`, virtualHosted: true, bucket, region };
}

/** `prefix` is put in front as it is, but for slashes that would make an empty segment. */
export function s3Key(prefix: string, path: string): string {
  const trimmed = prefix.replace(/^\/+/, "").replace(/\/+$/, "/");
  return `${trimmed}${path}`;
}

/**
 * The label after `s3` in hosts like `bucket.s3.eu-central-1.example.com`, which Bun itself only knows of AWS;
 * else what stores that have no regions expect.
 */
export function regionOf(endpoint: string): string {
  const { hostname } = new URL(endpoint);
  const match = /(?:^|\.)s3[.-](?:dualstack\.)?([a-z0-9-]+)\.[^.]+\.[^.]+/.exec(hostname);
  if (match?.[1] !== undefined) return match[1];
  return hostname.endsWith(".r2.cloudflarestorage.com") ? "auto" : "us-east-1";
}
