/** The socket of the admin listener: there for as long as the node runs, also when somebody removes its file. */

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { asFault } from "../base/fault.ts";
import type { Log } from "../observe/log.ts";
import { claimSocketPath, restrictSocket } from "./socket-path.ts";

const SOCKET_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface AdminSocket {
  /** Binds it again when its path has gone. */
  look(): Promise<void>;
  /** Why it cannot be reached, in a line. */
  trouble(): string | undefined;
  stop(): Promise<void>;
}

/** Throws a Fault that says why the path cannot be had. */
export async function openAdminSocket(options: {
  readonly path: string;
  readonly serve: () => Bun.Server<undefined>;
  readonly log: Log;
}): Promise<AdminSocket> {
  const { path, serve, log } = options;
  let trouble: string | undefined;
  let stopped = false;
  const bind = async (): Promise<Bun.Server<undefined>> => {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    await claimSocketPath(path, log);
    const bound = serve();
    restrictSocket(path, SOCKET_MODE);
    return bound;
  };
  let server: Bun.Server<undefined> | undefined = await bind();

  const bindAgain = async (): Promise<void> => {
    // first the old one, whose end unlinks the path; what it is answering goes on
    void server?.stop();
    server = undefined;
    const bound = await bind();
    if (stopped) await bound.stop(true);
    else server = bound;
  };

  return {
    async look() {
      if (stopped || (server !== undefined && existsSync(path))) return;
      try {
        await bindAgain();
        trouble = undefined;
        log.warn("admin.socket_bound_again", { path });
      } catch (error) {
        const { message } = asFault(error);
        if (trouble === undefined) log.error("admin.socket_gone", { path, error });
        trouble = `the admin socket ${path} is gone: ${message}`;
      }
    },
    trouble: () => trouble,
    async stop() {
      stopped = true;
      await server?.stop(true);
    },
  };
}
