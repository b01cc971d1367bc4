/** Base images made of files of the machine itself, for a build that needs no network. */

import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ScriptFailure } from "../script-failure.ts";
import { ROOT } from "../setup.ts";
import { type Buildah, run } from "./tools.ts";

/** In place of `BUILD_BASE` and `BASE` of the Dockerfile. */
export const BUILD_BASE = "localhost/mir-build-base";
export const BASE = "localhost/mir-base";

/** What the RUN line of the Dockerfile calls. */
const BUILD_TOOLS = ["sh", "mkdir", "cp", "uname"];

const PASSWD = ["root:x:0:0:root:/:/sbin/nologin", "nonroot:x:65532:65532:nonroot:/:/sbin/nologin"];
const GROUP = ["root:x:0:", "nonroot:x:65532:"];

/** A shell, Bun, and the libraries of both. */
export function makeBuildBase(buildah: Buildah): void {
  makeImage(buildah, BUILD_BASE, (root) => {
    put(root, process.execPath, "/usr/local/bin/bun");
    for (const tool of BUILD_TOOLS) {
      const path = Bun.which(tool);
      if (path === null) throw new ScriptFailure(`${tool} is needed and not installed`);
      put(root, path, `/bin/${tool}`);
      for (const library of librariesOf(path)) put(root, library);
    }
    for (const library of librariesOf(process.execPath)) put(root, library);
  });
}

/** What distroless/cc has: libc, libstdc++, libgcc, certificates, time zones, a user; no shell. */
export function makeBase(buildah: Buildah): void {
  const natives = [...new Bun.Glob("sharp-*linux*/lib/*.{node,so.*}").scanSync(IMG)];
  makeImage(buildah, BASE, (root) => {
    const programs = [process.execPath, ...natives.map((path) => join(IMG, path))];
    const libraries = new Set(programs.flatMap(librariesOf));
    for (const library of libraries) put(root, library);
    for (const library of [...libraries].filter((path) => path.includes("libc.so"))) {
      for (const name of ["libresolv.so.2", "libnss_dns.so.2"]) {
        const path = join(dirname(library), name);
        if (existsSync(path)) put(root, path);
      }
    }
    for (const path of ["/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/UTC"]) {
      if (existsSync(path)) put(root, path);
    }
  });
}

const IMG = join(ROOT, "node_modules", "@img");

function makeImage(buildah: Buildah, name: string, fill: (root: string) => void): void {
  const container = buildah("from", "scratch").trim();
  const root = buildah("mount", container).trim();
  for (const folder of ["/etc", "/usr/local/bin", "/bin", "/tmp"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, "/tmp"), 0o1777);
  writeFileSync(join(root, "/etc/passwd"), `${PASSWD.join("\n")}\n`);
  writeFileSync(join(root, "/etc/group"), `${GROUP.join("\n")}\n`);
  writeFileSync(join(root, "/etc/nsswitch.conf"), "hosts: files dns\n");
  fill(root);
  buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container);
  buildah("commit", "--quiet", "--rm", container, name);
}

/** Paths of shared objects, the loader too; those that sharp's addon finds by its RPATH are not the system's. */
function librariesOf(path: string): readonly string[] {
  const found = [...run(["ldd", path]).matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)];
  return found.map(([, library = ""]) => library).filter((library) => !library.startsWith(ROOT));
}

/** The file itself, where a link leads to it. */
function put(root: string, from: string, to: string = from): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(from), target);
}
