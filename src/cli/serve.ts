/** `mir serve`: one node of a topology, until it is told to stop. */

import { defineCommand } from "citty";
import { asFault, Fault } from "../base/fault.ts";
import { parseShare, SHARE_EXPECTED } from "../base/share.ts";
import { reexecOnce, selfCommand } from "../node/reexec.ts";
import { readSecrets } from "../node/secrets.ts";
import { type RunningNode, startNode } from "../node/supervisor.ts";
import { formatMistakes } from "../topology/explain.ts";
import { nearestName } from "../topology/nearest.ts";
import type { ReadResult } from "../topology/read.ts";
import type { Topology } from "../topology/topology.ts";
import { meantNode, NODE_ARGS } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { readTopologyFile } from "./topology-file.ts";
import { parseDuration, UsageError } from "./usage.ts";

const args = {
  topology: NODE_ARGS.topology,
  server: { ...NODE_ARGS.server, description: "the name of this node in it; else $MIR_SERVER" },
  secrets: {
    type: "string",
    valueHint: "FILE",
    description: "file of NAME=value lines that others cannot read",
  },
  json: { type: "boolean", description: "standard output and log as JSON lines" },
  "access-log": {
    type: "string",
    description: "a line for each request, or for a share such as 1%; in place of log.access",
    valueHint: "off|all|1%|1/100",
  },
  "log-level": {
    type: "string",
    valueHint: "LEVEL",
    description: "debug, info, warn or error",
    default: "info",
  },
  "drain-grace": {
    type: "string",
    valueHint: "TIME",
    description: "time between /readyz 503 and the end of accepting",
    default: "5s",
  },
  "exit-with-parent": { type: "boolean", description: "stop when standard input closes" },
} as const;

const LEVELS = ["debug", "info", "warn", "error"] as const;

export const serveCommand = defineCommand({
  meta: { name: "serve", description: "run one node of a topology" },
  args,
  async run({ args: given, rawArgs }) {
    const level = LEVELS.find((l) => l === given["log-level"]);
    if (level === undefined) throw new UsageError(`--log-level is one of ${LEVELS.join(", ")}`);
    const drainGraceMs = parseDuration(given["drain-grace"], "drain-grace");
    const { topology: path, server } = meantNode(given);
    if (path === undefined || server === undefined) {
      throw new UsageError("say which node: --topology FILE --server NAME");
    }
    const { execPath, args: selfArgs } = selfCommand();
    reexecOnce(execPath, [...selfArgs, "serve", ...rawArgs]);
    const json = given.json === true;
    const read = readOrComplain(path, terminal);
    if (read === undefined) {
      process.exitCode = 1;
      return;
    }
    const { topology, file } = read;
    refuseUnservable(topology, server);
    const reloads = reloadOnSignal();
    const node = await startNode({
      topology,
      file,
      reread: () => readTopologyFile(path),
      server,
      secrets: readSecrets({ env: process.env, file: given.secrets }),
      log: { level, json, ...accessWish(given["access-log"]) },
      drainGraceMs,
    });
    reloads(node);
    // before `ready` is said: whoever waits for that may send a signal at once
    stopOnSignal(node, given["exit-with-parent"] === true);
    node.announce();
    announce(node, json, terminal);
  },
});

function accessWish(given: string | undefined): { readonly access?: number } {
  if (given === undefined) return {};
  const access = parseShare(given);
  if (access === undefined) throw new UsageError(`--access-log is ${SHARE_EXPECTED}`);
  return { access };
}

type GoodFile = Extract<ReadResult, { kind: "ok" }>;

function readOrComplain(path: string, output: Output): GoodFile | undefined {
  const result = readTopologyFile(path);
  if (result.kind === "ok") return result;
  output.complain(formatMistakes(result.mistakes));
  return undefined;
}

/** The origin is a store, not a process: the servers above it open it (spec §1). */
function refuseUnservable(topology: Topology, name: string): void {
  const servers = topology.levels.flatMap((level) => level.servers.map((s) => s.name));
  if (servers.includes(name)) return;
  const origins = topology.levels.flatMap((level) => level.origins.map((o) => o.name));
  if (origins.includes(name)) {
    throw new Fault(
      "bad_request",
      `${name} is the origin store, not a process: the servers of the level above open it themselves`,
    );
  }
  const near = nearestName(name, servers);
  const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
  throw new Fault(
    "bad_request",
    `the topology has no server ${name}${hint}: ${servers.join(", ")}`,
  );
}

function announce(node: RunningNode, json: boolean, output: Output): void {
  for (const { kind, address, port } of node.listeners) {
    const line = json
      ? JSON.stringify({ event: "listening", kind, address, port })
      : `${kind.padEnd(7)} ${address}`;
    output.say(line);
  }
  output.say(json ? JSON.stringify({ event: "ready" }) : "ready");
}

/** A SIGHUP before the node runs, which would end the process, is acted on once it does. */
function reloadOnSignal(): (node: RunningNode) => void {
  let running: RunningNode | undefined;
  let early = false;
  process.on("SIGHUP", () => {
    if (running === undefined) early = true;
    else void running.reload();
  });
  return (node) => {
    running = node;
    if (early) void node.reload();
  };
}

/** The first SIGTERM or SIGINT drains, a second one ends at once. */
function stopOnSignal(node: RunningNode, withParent: boolean): void {
  let draining = false;
  const stop = (): void => {
    if (draining) process.exit(1);
    draining = true;
    node.drain().then(
      () => process.exit(0),
      (error: unknown) => {
        terminal.complain(`mir: ${asFault(error).message}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  if (!withParent) return;
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(1));
}
