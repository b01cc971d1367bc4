/** A real mesh for a scenario: one process of the real executable a node, on loopback, in a temporary folder. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { stringify } from "smol-toml";
import type { HotStatus } from "../../src/content/hot/keeper.ts";
import type { RebalanceStatus } from "../../src/content/rebalance.ts";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

/** What `bun run test` has built; scenarios never run from source. */
export const EXECUTABLE = resolve(import.meta.dir, "../../dist/mir");
const START_MS = 30_000;

export interface MeshOptions {
  readonly edges: readonly string[];
  readonly regionals?: readonly string[];
  readonly origin?: Readonly<Record<string, unknown>>;
  /** Top-level tables. */
  readonly tables?: Readonly<Record<string, unknown>>;
  /** Keys of every server. */
  readonly server?: Readonly<Record<string, unknown>>;
  /** Keys of one server. */
  readonly serverOf?: (name: string) => Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Time between `/readyz` 503 and the end of accepting; none by default. */
  readonly drainGrace?: string;
  /** Puts disks and folders below the mesh's own before any node starts; disposed before that is removed. */
  readonly prepare?: (dir: string) => Disposable;
  /** What runs each node: a program and its arguments in front of the executable. */
  readonly runBy?: readonly string[];
  /** The levels as one node's file has them, where nodes disagree. */
  readonly levelsSeenBy?: (name: string, levels: readonly LevelTable[]) => readonly LevelTable[];
}

/** A level of the file. */
export interface LevelTable {
  readonly servers: readonly Readonly<Record<string, unknown>>[];
}

export interface MeshNode {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** Of its first public TCP listener, and of all of them in the order of the file. */
  readonly port: number;
  readonly ports: readonly number[];
  readonly cacheDir: string;
  readonly process: Subprocess;
  /** Everything on standard error so far. */
  log(): string;
}

export interface Mesh extends AsyncDisposable {
  readonly dir: string;
  readonly topologyFile: string;
  node(name: string): MeshNode;
  get(name: string, path: string, init?: RequestInit): Promise<Response>;
  status(name: string): Promise<Status>;
  counter(name: string, counter: string): Promise<number>;
  /** `env` over that of the mesh. */
  start(name: string, env?: Readonly<Record<string, string>>): Promise<MeshNode>;
  kill(name: string, signal?: NodeJS.Signals): Promise<number>;
}

export interface DiskStatus {
  readonly dir: string;
  readonly state: "well" | "unwritable" | "failed";
  readonly variants: number;
  readonly bytes: number;
  readonly capacityBytes: number;
}

export interface Status {
  readonly server: string;
  readonly epoch: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly rebalance: RebalanceStatus;
  readonly hot: HotStatus;
  readonly cache: {
    readonly variants: number;
    readonly bytes: number;
    readonly disks: readonly DiskStatus[];
  };
  readonly images: {
    readonly workers: number;
    readonly busy: number;
    readonly queued: number;
    readonly later: number;
  };
  readonly origins: readonly { readonly what: string; readonly leftAlone: boolean }[];
  readonly outbox: { readonly pending: number; readonly aside: number };
  readonly workers: readonly { readonly worker: number; readonly state: string }[];
  readonly peers: readonly {
    readonly name: string;
    readonly state: "up" | "suspect" | "down";
    readonly rttMs: number | null;
    readonly lastSeen: number | null;
  }[];
}

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const dir = mkdtempSync(join(tmpdir(), "mir-mesh-"));
  using prepared = new DisposableStack();
  prepared.defer(() => rmSync(dir, { recursive: true, force: true }));
  if (options.prepare !== undefined) prepared.use(options.prepare(dir));
  const names = [...options.edges, ...(options.regionals ?? [])];
  const topologyFile = join(dir, "mesh.toml");
  const topology = topologyOf(options, dir);
  writeFileSync(topologyFile, stringify(topology));
  const nodes = new Map<string, MeshNode>();
  const fileOf = (name: string): string => {
    if (options.levelsSeenBy === undefined) return topologyFile;
    const file = join(dir, `${name}.toml`);
    const levels = options.levelsSeenBy(name, topology.levels);
    writeFileSync(file, stringify({ ...topology, levels }));
    return file;
  };
  const start: Mesh["start"] = async (name, env) => {
    const own = { ...options.env, ...env };
    const { drainGrace = "0", runBy = [] } = options;
    const file = fileOf(name);
    const node = await startNode({ name, dir, topologyFile: file, env: own, drainGrace, runBy });
    nodes.set(name, node);
    return node;
  };
  const node = (name: string): MeshNode => {
    const found = nodes.get(name);
    if (found === undefined) throw new Error(`no node ${name} is running`);
    return found;
  };
  const status = async (name: string): Promise<Status> => {
    const unix = join(node(name).cacheDir, ".mir/admin.sock");
    const answer = await fetch("http://admin/status", { unix });
    return (await answer.json()) as Status;
  };
  const mesh: Mesh = {
    dir,
    topologyFile,
    node,
    start,
    status,
    get: (name, path, init) => fetch(`${node(name).url}${path}`, init),
    counter: async (name, counter) => (await status(name)).counters[counter] ?? 0,
    async kill(name, signal = "SIGKILL") {
      const { process } = node(name);
      process.kill(signal);
      return process.exited;
    },
    async [Symbol.asyncDispose]() {
      for (const { process } of nodes.values()) process.kill("SIGKILL");
      await Promise.all([...nodes.values()].map((n) => n.process.exited));
      kept.dispose();
    },
  };
  const kept = prepared.move();
  try {
    await Promise.all(names.map((name) => start(name)));
    // those that started first have not found the others at once
    for (const name of names) await until(async () => allUp(await status(name)), `${name} ready`);
  } catch (error) {
    await mesh[Symbol.asyncDispose]();
    throw error;
  }
  return mesh;
}

/** Each peer has been heard of, and may be asked. */
function allUp({ peers }: Status): boolean {
  return peers.every(({ state, lastSeen }) => state === "up" && lastSeen !== null);
}

function topologyOf(
  options: MeshOptions,
  dir: string,
): Record<string, unknown> & { readonly levels: readonly LevelTable[] } {
  const server = (name: string, listeners: Record<string, unknown>) => ({
    name,
    cache_dir: join(dir, name),
    capacity: "1GiB",
    workers: 1,
    image_workers: 1,
    private: [{ host: "127.0.0.1", port: freePort() }],
    ...listeners,
    ...options.server,
    ...options.serverOf?.(name),
  });
  const edge = { public: [{ type: "net", host: "127.0.0.1", port: 0 }] };
  const levels: LevelTable[] = [{ servers: options.edges.map((name) => server(name, edge)) }];
  if (options.regionals !== undefined) {
    levels.push({ servers: options.regionals.map((name) => server(name, {})) });
  }
  if (options.origin !== undefined)
    levels.push({ servers: [{ name: "origin", ...options.origin }] });
  // on a busy machine a picture is waited for: who wants stand-ins says so
  const limits = { stand_in_ms: 30_000 };
  return { meta: { name: "scenario" }, limits, ...options.tables, levels };
}

async function startNode(options: {
  readonly name: string;
  readonly dir: string;
  readonly topologyFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly drainGrace: string;
  readonly runBy: readonly string[];
}): Promise<MeshNode> {
  const { name, dir, topologyFile } = options;
  const away = join(dir, `${name}-cwd`);
  mkdirSync(away, { recursive: true });
  const child = Bun.spawn(
    [
      ...options.runBy,
      EXECUTABLE,
      "serve",
      "--topology",
      topologyFile,
      "--server",
      name,
      "--json",
      "--drain-grace",
      options.drainGrace,
      "--exit-with-parent",
    ],
    {
      cwd: away,
      env: { ...process.env, ...options.env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const log = gather(child.stderr);
  const lines = await readyLines(child, log);
  const ports = lines.flatMap(({ kind, port }) => (kind === "public" && port ? [port] : []));
  const [port = 0] = ports;
  const { pid } = child;
  return {
    name,
    pid,
    port,
    ports,
    url: `http://127.0.0.1:${port}`,
    cacheDir: join(dir, name),
    process: child,
    log,
  };
}

interface Line {
  readonly event: string;
  readonly kind?: string;
  readonly port?: number;
}

async function readyLines(
  child: Subprocess<"pipe", "pipe", "pipe">,
  log: () => string,
): Promise<Line[]> {
  const lines: Line[] = [];
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((part) => JSON.parse(part) as Line));
    if (!lines.some((line) => line.event === "ready")) continue;
    clearTimeout(late);
    return lines;
  }
  clearTimeout(late);
  throw new Error(`node ended before it was ready (${await child.exited}): ${log()}`);
}

function gather(stream: ReadableStream<Uint8Array>): () => string {
  let text = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  })();
  return () => text;
}
