/** How the nodes of a demo are started: this same program, each to end with the process that starts it. */

import { selfCommand } from "../../node/reexec.ts";
import type { Running } from "./intro.ts";

/** Program and arguments, by server. */
export function serveCommands({
  map,
  topologyFile,
}: Pick<Running, "map" | "topologyFile">): Map<string, [string, ...string[]]> {
  const { execPath, args: selfArgs } = selfCommand();
  const flags = ["--log-level", "warn", "--drain-grace", "0s", "--exit-with-parent"];
  return new Map(
    map.servers.map(({ name }) => [
      name,
      [execPath, ...selfArgs, "serve", "--topology", topologyFile, "--server", name, ...flags],
    ]),
  );
}
