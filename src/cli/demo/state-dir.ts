/** Where a demo keeps its caches, sockets and topology, and where its drawings stay. */

import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Fault } from "../../base/fault.ts";

export interface StateDir extends Disposable {
  /** Absolute. */
  readonly path: string;
  /** It goes when the demo ends. */
  readonly temporary: boolean;
}

/** What the demo looks up in its environment. */
export interface DemoEnv {
  readonly MIR_DEMO_DIR?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
}

/**
 * Says that a directory is a demo's own, and whose; without it nothing in a directory is removed.
 */
const MARK = "mir-demo.pid";

/**
 * `$MIR_DEMO_DIR`, which is kept, else a new directory that is removed at the end. A kept one is
 * emptied first, so that every demo begins with cold caches. Throws a Fault when it may not be
 * used.
 */
export function openStateDir(env: DemoEnv): StateDir {
  const wanted = env.MIR_DEMO_DIR;
  const temporary = wanted === undefined || wanted === "";
  const path = temporary ? mkdtempSync(join(tmpdir(), "mir-demo-")) : resolve(wanted);
  if (!temporary) empty(path);
  writeFileSync(join(path, MARK), `${process.pid}\n`);
  const leave = (): void => {
    if (temporary) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    else writeFileSync(join(path, MARK), "");
  };
  process.on("exit", leave);
  return {
    path,
    temporary,
    [Symbol.dispose]() {
      process.off("exit", leave);
      leave();
    },
  };
}

function empty(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const names = readdirSync(path);
    if (names.length === 0) return;
    if (!names.includes(MARK)) {
      throw new Fault(
        "bad_request",
        `MIR_DEMO_DIR ${path} has files that no demo made; name an empty one`,
      );
    }
    const pid = Number(readFileSync(join(path, MARK), "utf8"));
    if (pid > 0 && pid !== process.pid && isAlive(pid)) {
      throw new Fault(
        "bad_request",
        `MIR_DEMO_DIR ${path} is in use by process ${pid}; stop that one first`,
      );
    }
    for (const name of names.filter((n) => n !== MARK)) {
      rmSync(join(path, name), { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("bad_request", `MIR_DEMO_DIR ${path} cannot be used`, { cause });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and somebody else's
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * The user's cache directory for drawings of this version, or one in the state directory when that
 * is read-only.
 */
export function drawingsDir(env: DemoEnv, stateDir: string, version: number): string {
  const name = `v${version}`;
  try {
    const caches = env.XDG_CACHE_HOME || join(homedir(), ".cache");
    const dir = join(resolve(caches), "mir", "demo-photos", name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
    return dir;
  } catch {
    return join(stateDir, "drawings", name);
  }
}
