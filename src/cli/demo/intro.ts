/** What the demo says once its mesh runs: what there is, what to try, how to stop. */

import { adminSocketPath } from "../../topology/hosts.ts";
import type { MeshMap } from "./mesh-map.ts";
import type { Paint } from "./paint.ts";
import type { Photo } from "./photo.ts";

export interface Running {
  readonly map: MeshMap;
  readonly photos: readonly [Photo, ...Photo[]];
  readonly stateDir: string;
  readonly topologyFile: string;
}

export function introLines(running: Running, paint: Paint): readonly string[] {
  return [
    "",
    ...picture(running, paint),
    "",
    paint.strong("Try"),
    ...curlLines(running).flatMap(({ what, command }) => [
      paint.quiet(`  # ${what}`),
      `  ${command}`,
    ]),
    "",
    paint.strong("Look inside"),
    ...running.map.servers.slice(0, 1).map((server) => `  ${statusCommand(server.cacheDir)}`),
    paint.quiet(
      `  # the other nodes: ${running.map.servers
        .slice(1)
        .map((s) => s.name)
        .join(", ")}`,
    ),
    paint.quiet(`  # topology: ${running.topologyFile}`),
  ];
}

/** The levels from the client's side to the origin. */
function picture({ map, photos, stateDir }: Running, paint: Paint): string[] {
  const edges = map.edges.map(({ name, origin }) => `  ${paint.good(name.padEnd(11))}${origin}`);
  const others = map.servers.filter((server) => server.level > 0).map(({ name }) => name);
  return [
    paint.strong("A mesh is running on this machine"),
    "",
    ...edges,
    paint.quiet("    │  misses go to the owner among the edges, then down"),
    `  ${others.map((name) => paint.good(name)).join("   ")}`,
    paint.quiet("    │"),
    `  origin     ${photos.length} ${photos.length === 1 ? "picture" : "pictures"} in ${stateDir}/photos`,
  ];
}

export interface Command {
  readonly what: string;
  readonly command: string;
}

/** Three requests, each at another edge where there are three. */
export function curlLines({ map, photos }: Pick<Running, "map" | "photos">): readonly Command[] {
  const [first] = photos;
  const second = photos[1] ?? first;
  const third = photos[2] ?? first;
  const [edge] = map.edges;
  const jpg = map.url(edge, first, { size: "md", format: "jpg" });
  const auto = map.url(map.edges[1] ?? edge, second, { size: "lg", format: "auto" });
  const orig = map.url(map.edges[2] ?? edge, third, { size: "orig", format: third.ext });
  return [
    {
      what: "1024x768 at most; Cache-Status tells who did what, ask again and it changes",
      command: `curl -sS -D - -o ${first.webId}.jpg ${jpg}`,
    },
    {
      what: "the best format this client accepts",
      command: `curl -sS -D - -o /dev/null -H 'Accept: image/avif,image/webp' ${auto}`,
    },
    {
      what: "the first kilobyte of the original",
      command: `curl -sS -D - -o /dev/null -r 0-1023 ${orig}`,
    },
  ];
}

function statusCommand(cacheDir: string): string {
  return `curl -sS --unix-socket ${adminSocketPath(cacheDir)} http://mir/status`;
}

/** The same for machines: one line. */
export function introJson({ map, photos, topologyFile }: Running): string {
  return JSON.stringify({
    event: "running",
    topology: topologyFile,
    edges: map.edges.map(({ name, origin }) => ({ name, url: origin })),
    servers: map.servers.map(({ name, level, cacheDir }) => ({
      name,
      level,
      admin: adminSocketPath(cacheDir),
    })),
    photos: photos.map(({ webId, ext }) => ({ webId, ext })),
  });
}
