/** The topology of a demo: the checked-in one with ports and directories of this run. */

import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import demoToml from "../../../topology/demo.toml" with { type: "text" };
import {
  numberOf,
  type RawServer,
  rawLevels,
  type Table,
  tableOf,
  textOf,
} from "../../topology/raw.ts";
import type { Ports } from "./ports.ts";

export const ORIGIN_DIR = "photos";

/**
 * TOML text whose directories lie in `stateDir` and whose ports are free. The public ports of the
 * checked-in file are taken when `usualPorts` is set and they are free.
 */
export function writeDemoTopology(options: {
  readonly stateDir: string;
  readonly ports: Ports;
  readonly usualPorts: boolean;
}): string {
  const text: string = demoToml;
  const file: Table = parse(text);
  const levels = rawLevels(file).map(({ servers }) => ({
    servers: servers.map((server) => placed(server, options)),
  }));
  return stringify({ ...file, levels });
}

function placed(server: RawServer, options: Parameters<typeof writeDemoTopology>[0]): Table {
  const { stateDir, ports, usualPorts } = options;
  const portFor = (table: Table): number =>
    ports.take(usualPorts ? numberOf(table, "port") : undefined);
  if (server.origin) return { ...server.table, origin_dir: join(stateDir, ORIGIN_DIR) };
  const publics = server.publics.map(({ table }) => ({
    ...table,
    port: portFor(table),
  }));
  const privates = server.privates.map(({ table }) => ({ ...table, port: ports.take() }));
  const admin = tableOf(server.table, "admin");
  return {
    ...server.table,
    cache_dir: join(stateDir, textOf(server.table, "name") ?? ""),
    ...(publics.length > 0 ? { public: publics } : {}),
    private: privates,
    ...("admin" in server.table ? { admin: { ...admin, port: portFor(admin) } } : {}),
  };
}
