/** A cache directory that a node cannot start with, in one line: what is wrong with which file, and what to do. */

import { userInfo } from "node:os";
import { errnoOf, isDiskFull } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";

/** What has failed, as a Fault where it was a file of the directory; anything else as it is. */
export function cacheDirFault(dir: string, error: unknown): unknown {
  const path = pathOf(error);
  const ours = path === dir || path?.startsWith(`${dir}/`) || isAbove(path ?? "", dir);
  // a write that has failed does not say of which file, and a node that starts writes no others
  if (!ours && !isDiskFull(error)) return error;
  const why = whyOf(errnoOf(error) ?? "", path ?? dir, dir);
  return new Fault("unwritable", `cache_dir ${dir} cannot be written: ${why}`);
}

function whyOf(code: string, path: string, dir: string): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `no permission for ${path} (${allowing(path, dir)})`;
    case "EROFS":
      return "its file system is mounted read-only";
    case "ENOTDIR":
    case "EEXIST":
      return `${path} is no directory (move it away, or name another cache_dir)`;
    case "ENOSPC":
    case "EDQUOT":
      return "its file system is full, and not with what is cached (make room there)";
    default:
      return `${code} at ${path}`;
  }
}

/** What somebody who may can do; a directory that is not there yet cannot be given away. */
function allowing(path: string, dir: string): string {
  const made = isAbove(path, dir) ? `mkdir -p ${dir} && ` : "";
  return `${made}chown -R ${userName()} ${dir}`;
}

function pathOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || errnoOf(error) === undefined) return undefined;
  return "path" in error && typeof error.path === "string" ? error.path : undefined;
}

/** Making the directory fails at the first folder that is not there. */
function isAbove(path: string, dir: string): boolean {
  return path !== "" && dir.startsWith(`${path}/`);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // a container's user often has no name
    return String(process.getuid?.() ?? "");
  }
}
