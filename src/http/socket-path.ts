/** Unix socket paths: left-overs of a killed node are replaced, anything else is left alone (spec §8). */

import { chmodSync, lstatSync, statSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { errnoOf } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { Log } from "../observe/log.ts";

/** Makes `path` free to listen on. Throws a Fault that says what stands there, or that the folder is missing. */
export async function claimSocketPath(path: string, log: Log): Promise<void> {
  const kind = kindOf(path);
  if (kind === "absent") return requireFolder(path);
  if (kind === "other") {
    throw new Fault(
      "bad_request",
      `${path} is no socket; it was left alone: move it or change the path`,
    );
  }
  const answer = await probe(path);
  if (answer === "alive") {
    throw new Fault(
      "bad_request",
      `another process listens on ${path}: is this node running already?`,
    );
  }
  if (answer !== "ECONNREFUSED") {
    throw new Fault(
      "bad_request",
      `cannot tell whether ${path} is in use (${answer}): remove it by hand`,
    );
  }
  unlinkSync(path);
  log.info("replaced the socket file of a process that is gone", { path });
}

/**
 * Connecting needs write permission, which Bun's 0777 & ~umask denies to others until this runs; the
 * umask itself belongs to the whole process, and other threads make files meanwhile.
 */
export function restrictSocket(path: string, mode: number): void {
  chmodSync(path, mode);
}

function kindOf(path: string): "absent" | "socket" | "other" {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "absent";
  return found.isSocket() ? "socket" : "other";
}

function requireFolder(path: string): void {
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new Fault("bad_request", `the folder ${folder} for the socket ${path} is missing: make it`);
}

/** `alive`, or what the operating system said. */
function probe(path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(path);
  socket.setTimeout(DEADLINES.connectMs);
  socket.on("connect", () => resolve("alive"));
  socket.on("timeout", () => resolve("timeout"));
  socket.on("error", (error) => resolve(errnoOf(error) ?? error.message));
  return promise.finally(() => socket.destroy());
}
