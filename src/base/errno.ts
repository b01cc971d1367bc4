/** What the operating system said, out of an unknown error. */

/** `ENOENT` and the like; undefined when the error is not one of the operating system's. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The file, or a folder on its path, is not there. */
export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The file system is full, or its quota or inodes are. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** The process or the machine has run out of something that no disk is to blame for: descriptors, memory. */
export function isExhausted(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "EMFILE" || code === "ENFILE" || code === "ENOMEM" || code === "EAGAIN";
}
