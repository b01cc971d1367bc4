/** A directory of its own for one test, gone afterwards. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TempDir extends Disposable {
  readonly path: string;
  /** Writes a file, with the folders on its path; its absolute path. */
  write(name: string, content: string | Uint8Array): string;
}

/** `using dir = makeTempDir()` removes it at the end of the test. */
export function makeTempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "mir-test-"));
  return {
    path,
    write(name, content) {
      const full = join(path, name);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      return full;
    },
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
