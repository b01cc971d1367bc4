/** A store that is a directory of files: `origin_dir`, the embedded default (spec §11). */

import { stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { OriginSpec } from "../topology/topology.ts";
import { putFile } from "./directory-put.ts";
import { type FileState, makeFileBody } from "./file-body.ts";
import type { OriginParts } from "./port.ts";
import { badOrigin, type Store, type Stored, within } from "./store.ts";

/**
 * Reads run on the thread pool, not on the worker's loop: the directory may be a network mount or a sleeping
 * disk, where one synchronous read would hold up every cache hit of the worker.
 * Symbolic links are followed: pointing at pictures elsewhere is the operator's right.
 */
export function openDirectoryStore(
  spec: Extract<OriginSpec, { kind: "directory" }>,
  parts: OriginParts,
): Store {
  const { clock, log, waits } = parts;

  const failed = (event: string, path: string, error: unknown): Fault => {
    if (error instanceof Fault) return error;
    log.warn(event, { origin: spec.name, path, error });
    return badOrigin(undefined, error);
  };

  return {
    name: spec.name,
    upperCase: true,
    async probe(path, waitMs) {
      const full = join(spec.dir, path);
      try {
        const found = await within(waitMs, stat(full, { bigint: true }));
        if (found.isFile()) return stored(full, found);
        log.warn("origin_not_a_file", { origin: spec.name, path, hint: "only files are pictures" });
        return undefined;
      } catch (error) {
        if (isMissing(error) || errnoOf(error) === "ENAMETOOLONG") return undefined;
        throw failed("origin_probe_failed", path, error);
      }
    },
    async put(path, file, waitMs) {
      try {
        return await putFile(join(spec.dir, path), {
          file,
          root: spec.dir,
          waitMs,
          stallMs: waits.stallMs,
          clock,
        });
      } catch (error) {
        throw failed("origin_put_failed", path, error);
      }
    },
    async remove(path, waitMs) {
      try {
        await within(waitMs, unlink(join(spec.dir, path)));
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw failed("origin_remove_failed", path, error);
      }
    },
    async verify(_path, waitMs) {
      try {
        const found = await within(waitMs, stat(spec.dir));
        if (found.isDirectory()) return;
      } catch (error) {
        throw failed("origin_dir_missing", spec.dir, error);
      }
      throw failed("origin_dir_missing", spec.dir, new Error("not a directory"));
    },
  };

  function stored(full: string, state: FileState): Stored {
    return {
      bytes: Number(state.size),
      // not the inode: copies of one directory on several nodes must agree
      etag: String(state.mtimeNs),
      modified: Number(state.mtimeNs / 1_000_000_000n),
      body: () =>
        makeFileBody({
          path: full,
          state,
          stallMs: waits.stallMs,
          failed: (error) => failed("origin_read_failed", full, error),
        }),
    };
  }
}
