/** What is said of a cache directory that a node cannot start with. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { cacheDirFault } from "../../../src/node/cache-dir-fault.ts";

const DIR = "/srv/cache";

function said(code: string, path?: string): string {
  const error = cacheDirFault(DIR, Object.assign(new Error(code), { code, path }));
  return error instanceof Fault ? error.message : "";
}

describe("a cache directory a node cannot start with", () => {
  test.each([
    ["EACCES", `${DIR}/.mir/pid`, `no permission for ${DIR}/.mir/pid (chown -R `],
    ["EPERM", DIR, `no permission for ${DIR} (chown -R `],
    ["EACCES", "/srv", `no permission for /srv (mkdir -p ${DIR} && chown -R `],
    ["EROFS", `${DIR}/.mir`, "its file system is mounted read-only"],
    ["ENOTDIR", `${DIR}/.mir`, `${DIR}/.mir is no directory`],
    ["ENOSPC", `${DIR}/.mir`, "its file system is full"],
    ["EDQUOT", undefined, "its file system is full"],
    ["EIO", `${DIR}/.mir`, `EIO at ${DIR}/.mir`],
  ])("for %s at %s", (code, path, why) => {
    expect(said(code, path)).toStartWith(`cache_dir ${DIR} cannot be written: ${why}`);
  });

  test("is not blamed for other files, nor for what is no file's fault", () => {
    expect(said("EACCES", "/srv/cache-2/x")).toBe("");
    expect(said("EACCES", "/etc/key")).toBe("");
    const bug = new TypeError("a bug");
    expect(cacheDirFault(DIR, bug)).toBe(bug);
    const fault = new Fault("internal", "in use");
    expect(cacheDirFault(DIR, fault)).toBe(fault);
  });
});
