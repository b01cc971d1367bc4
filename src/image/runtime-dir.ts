/** Private directories that native code may be loaded from: whoever can write there runs code as us. */

import { lstatSync, mkdirSync, realpathSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { errnoOf } from "../base/errno.ts";

export interface RuntimeDirCandidate {
  readonly dir: string;
  /** Named by the operator, who answers for the folders above it. */
  readonly trusted: boolean;
}

/** In the order in which they are tried. */
export function runtimeDirCandidates(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}): readonly RuntimeDirCandidate[] {
  const { env, uid } = options;
  const named = env["MIR_RUNTIME_DIR"] ?? "";
  const home = env["HOME"] ?? "";
  const cache = env["XDG_CACHE_HOME"] ?? "";
  const temp = env["TMPDIR"] || "/tmp";
  return [
    { dir: named, trusted: true },
    { dir: cache && join(cache, "mir"), trusted: false },
    { dir: home && join(home, ".cache", "mir"), trusted: false },
    { dir: "/var/cache/mir", trusted: false },
    { dir: join(temp, `mir-${uid}`), trusted: false },
  ].filter(({ dir }) => isAbsolute(dir));
}

/**
 * The real path of `{candidate}/{name}`, made if need be: ours, and closed to everyone else.
 * Throws an Error that says what is wrong with it; nothing that others own or may write is mended,
 * because somebody may have put it there for us to find.
 */
export function openPrivateDir(
  candidate: RuntimeDirCandidate,
  options: { readonly name: string; readonly uid: number; readonly mountInfo: string },
): string {
  const { uid, mountInfo } = options;
  makeDir(candidate.dir, true);
  const base = realpathSync(candidate.dir);
  refuseOthersWriting(base, uid);
  if (!candidate.trusted) refuseUnsafeAbove(base, uid);
  if (isNoExec(mountInfo, base)) throw new Error("its file system is mounted noexec");
  const dir = join(base, options.name);
  makeDir(dir, false);
  const stats = ownDirectory(dir, uid);
  if ((stats.mode & 0o077) !== 0) throw new Error(`${dir} has mode ${octal(stats)}, not 700`);
  return dir;
}

/** Whether the mount that holds `path` forbids running code; `mountInfo` as in proc(5), `/proc/pid/mountinfo`. */
export function isNoExec(mountInfo: string, path: string): boolean {
  let longest = "";
  let noExec = false;
  for (const line of mountInfo.split("\n")) {
    const [, , , , escaped, options] = line.split(" ");
    if (escaped === undefined || options === undefined) continue;
    const point = escaped.replace(/\\([0-7]{3})/g, (_, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const inside = path === point || path.startsWith(point.endsWith("/") ? point : `${point}/`);
    // of two mounts at one point the later one covers the earlier
    if (!inside || point.length < longest.length) continue;
    longest = point;
    noExec = options.split(",").includes("noexec");
  }
  return noExec;
}

/** The base may be readable (systemd makes its CacheDirectory 0755): only writing is dangerous. */
function refuseOthersWriting(base: string, uid: number): void {
  const stats = ownDirectory(base, uid);
  if ((stats.mode & 0o022) !== 0) {
    throw new Error(`others may write to it (mode ${octal(stats)}): chmod 700 it`);
  }
}

/** Who may rename a folder above ours may put another one in its place. */
function refuseUnsafeAbove(base: string, uid: number): void {
  for (let dir = base; dir !== dirname(dir); ) {
    dir = dirname(dir);
    const stats = lstatSync(dir);
    if (stats.uid !== 0 && stats.uid !== uid)
      throw new Error(`${dir} belongs to user ${stats.uid}`);
    const isSticky = (stats.mode & 0o1000) !== 0;
    if ((stats.mode & 0o002) !== 0 && !isSticky) throw new Error(`everybody may write to ${dir}`);
  }
}

function ownDirectory(dir: string, uid: number): Stats {
  const stats = lstatSync(dir);
  if (!stats.isDirectory()) throw new Error(`${dir} is no directory`);
  if (stats.uid !== uid) throw new Error(`${dir} belongs to user ${stats.uid}, not to us (${uid})`);
  return stats;
}

function makeDir(dir: string, recursive: boolean): void {
  try {
    mkdirSync(dir, { mode: 0o700, recursive });
  } catch (error) {
    // something is there already: what it is, is looked at next
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function octal(stats: Stats): string {
  return (stats.mode & 0o7777).toString(8);
}
