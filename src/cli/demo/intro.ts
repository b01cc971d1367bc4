/** What the demo says once its mesh runs: what there is, what to try, where to look inside. */

import { statSync } from "node:fs";
import { hostAndPort } from "../../base/listening.ts";
import { adminSocketPath } from "../../topology/hosts.ts";
import { ORIGIN_DIR } from "./demo-topology.ts";
import type { MeshMap } from "./mesh-map.ts";
import type { Paint } from "./paint.ts";
import type { Photo } from "./photo.ts";

export interface Running {
  readonly map: MeshMap;
  readonly photos: readonly [Photo, ...Photo[]];
  /** Our own pictures: none of them is damaged. */
  readonly drawn: boolean;
  readonly stateDir: string;
  readonly topologyFile: string;
  /** How this program is called from here. */
  readonly program: string;
}

/** `samples` are pictures known to be good. */
export function introLines(
  running: Running,
  samples: readonly Photo[],
  paint: Paint,
): readonly string[] {
  const [first, ...others] = running.map.servers;
  const names = others.map((server) => server.name).join(", ");
  return [
    "",
    ...picture(running, paint),
    "",
    ...examples(running.map, samples, paint),
    "",
    paint.strong("Look inside"),
    ...dashboards(running.map).map(
      (url) => `  ${url}  ${paint.quiet("the dashboard: open it in a browser")}`,
    ),
    `  ${statusCommand(first?.cacheDir ?? "")}`,
    paint.quiet(`  # likewise ${names}`),
    paint.quiet(`  # topology: ${running.topologyFile}`),
    "",
    paint.strong("Measure"),
    `  ${running.program} bench --topology ${running.topologyFile}`,
  ];
}

/** The levels from the client's side to the origin. */
function picture({ map, photos, stateDir }: Running, paint: Paint): string[] {
  const edges = map.edges.map(({ name, origin }) => `  ${paint.good(name.padEnd(11))}${origin}`);
  const below = map.servers.filter((server) => server.level > 0).map(({ name }) => name);
  const count = `${photos.length} ${photos.length === 1 ? "picture" : "pictures"}`;
  return [
    paint.strong("A mesh is running on this machine"),
    "",
    ...edges,
    paint.quiet("    │  what an edge has not, the edge that owns it has, or fetches from below"),
    `  ${below.map((name) => paint.good(name)).join("   ")}`,
    paint.quiet("    │  what a regional has not, it makes from the original"),
    `  ${paint.good("origin".padEnd(11))}${count} in ${stateDir}/${ORIGIN_DIR}`,
  ];
}

function examples(map: MeshMap, samples: readonly Photo[], paint: Paint): string[] {
  const commands = curlLines(map, samples);
  if (commands.length === 0) return [paint.bad("None of the first pictures can be decoded.")];
  return [
    paint.strong("Try"),
    ...commands.flatMap(({ what, command }) => [paint.quiet(`  # ${what}`), `  ${command}`]),
  ];
}

export interface Command {
  readonly what: string;
  readonly command: string;
}

/** Three requests, at three edges when there are three pictures; none without a picture. */
export function curlLines(map: MeshMap, samples: readonly Photo[]): readonly Command[] {
  const [first, second = first] = samples;
  if (first === undefined || second === undefined) return [];
  const small = smallest(first, samples);
  const [edge] = map.edges;
  const [owner] = map.ownerFirst(small);
  const jpg = map.url(edge, first, { size: "md", format: "jpg" });
  const auto = map.url(map.edges[1] ?? edge, second, { size: "lg", format: "auto" });
  const orig = map.url(owner, small, { size: "orig", format: small.ext });
  return [
    {
      what: "at most 1024x768; Cache-Status tells who did what: ask again, ask another edge",
      command: `curl -sS -D - -o ${first.webId}.jpg ${jpg}`,
    },
    {
      what: "the best format this client accepts",
      command: `curl -sS -D - -o /dev/null -H 'Accept: image/avif,image/webp' ${auto}`,
    },
    {
      what: "a part of the original, once it is whole at its owner",
      command: `curl -sS -D - -o /dev/null -r 0-65535 ${orig}`,
    },
  ];
}

/** A range of a body is served once it is whole, and a small one is so at the first request. */
function smallest(first: Photo, samples: readonly Photo[]): Photo {
  const bytesOf = ({ path }: Photo): number =>
    statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
  return samples.reduce((best, photo) => (bytesOf(photo) < bytesOf(best) ? photo : best), first);
}

/** Each edge shows the whole mesh: one address is enough. */
function dashboards({ servers }: MeshMap): readonly string[] {
  const admin = servers.find((server) => server.admin !== undefined)?.admin;
  return admin === undefined ? [] : [`http://${hostAndPort(admin.host, admin.port)}/`];
}

function statusCommand(cacheDir: string): string {
  return `curl -sS --unix-socket ${adminSocketPath(cacheDir)} http://mir/status`;
}

/** The same for machines: one line. */
export function introJson({ map, photos, topologyFile }: Running): string {
  return JSON.stringify({
    event: "running",
    topology: topologyFile,
    dashboard: dashboards(map)[0],
    edges: map.edges.map(({ name, origin }) => ({ name, url: origin })),
    servers: map.servers.map(({ name, level, cacheDir }) => ({
      name,
      level,
      admin: adminSocketPath(cacheDir),
    })),
    photos: photos.map(({ webId, ext }) => ({ webId, ext })),
  });
}
