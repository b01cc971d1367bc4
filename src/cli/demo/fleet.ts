/** The nodes of a demo as one: all of them run, or none does. */

import type { Output } from "../output.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";

export interface Fleet extends AsyncDisposable {
  readonly nodes: readonly NodeProcess[];
  /**
   * Resolves to the name of the first node that ended by itself, and how; never when all are
   * stopped by us.
   */
  readonly lost: Promise<{ readonly node: NodeProcess; readonly how: string }>;
}

export interface FleetOptions {
  /** Names of servers, and how each is started. */
  readonly commands: ReadonlyMap<string, readonly [string, ...string[]]>;
  readonly signal: AbortSignal;
  readonly output: Output;
  readonly readyMs?: number;
}

/** undefined when a node did not start: why has been said, and all have been stopped. */
export async function startFleet(options: FleetOptions): Promise<Fleet | undefined> {
  const { commands, signal, output, readyMs } = options;
  const nodes: NodeProcess[] = [];
  const killAll = (): void => {
    for (const node of nodes) node.kill();
  };
  // an exit takes the nodes with it, before anything else is cleaned up; SIGKILL is left to their
  // stdin
  process.prependListener("exit", killAll);
  let stopping = false;
  const stopAll = async (): Promise<void> => {
    stopping = true;
    await Promise.all(nodes.map((node) => node.stop()));
    process.off("exit", killAll);
  };
  for (const [name, command] of commands) {
    const node = startNodeProcess({ name, command, ...(readyMs === undefined ? {} : { readyMs }) });
    nodes.push(node);
  }
  const failures = await startAll(nodes, signal);
  if (failures.length > 0 || signal.aborted) {
    for (const { node, why } of failures) complainOf(node, why, output);
    await stopAll();
    return undefined;
  }
  const { promise: lost, resolve } = Promise.withResolvers<Awaited<Fleet["lost"]>>();
  for (const node of nodes) {
    void node.ended.then((how) => {
      if (!stopping) resolve({ node, how });
    });
  }
  return { nodes, lost, [Symbol.asyncDispose]: stopAll };
}

interface Failure {
  readonly node: NodeProcess;
  readonly why: string;
}

/** Waits until all are ready, the first has failed, or nobody wants them any more. */
async function startAll(nodes: readonly NodeProcess[], signal: AbortSignal): Promise<Failure[]> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  const failures: Failure[] = [];
  const all = nodes.map((node) =>
    node.ready.catch((error: unknown) => {
      failures.push({ node, why: error instanceof Error ? error.message : String(error) });
      resolve();
    }),
  );
  await Promise.race([Promise.all(all), aborted]);
  return [...failures];
}

/** What a node that failed wrote to its standard error says why. */
export function complainOf(node: NodeProcess, why: string, output: Output): void {
  output.complain(`mir demo: ${why}`);
  const log = node.log().trimEnd();
  if (log === "") output.complain(`mir demo: ${node.name} wrote nothing to its standard error`);
  else for (const line of log.split("\n")) output.complain(`  ${node.name} | ${line}`);
}
