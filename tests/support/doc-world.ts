/** Where the commands of the documentation are run: a clone and two machines, each a folder with an address of loopback. */

import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "../../scripts/setup.ts";
import type { Block } from "./doc-pages.ts";
import { freePort } from "./free-port.ts";
import { drawJpeg } from "./pictures.ts";
import { makeTempDir } from "./temp-dir.ts";

const MACHINES = { "edge-1": "127.0.0.2", "regional-1": "127.0.0.3" } as const;
type Machine = keyof typeof MACHINES;

/** Addresses and ports as the pages have them. */
const WRITTEN = { "10.0.0.11": MACHINES["edge-1"], "10.0.0.12": MACHINES["regional-1"] } as const;
const PORTS = ["8080", "5556", "8000", "9090"] as const;
/** Folders of a machine that are its own; sed and JavaScript read it alike. */
const OWN = "/(?:etc|usr/local/bin|var/cache|srv|run/mir)";
const OWN_FOR_SED =
  "\\(^\\|[^A-Za-z0-9._/-]\\)\\(/\\(etc\\|usr/local/bin\\|var/cache\\|srv\\|run/mir\\)\\)";
const FOLDERS = ["root", "etc/systemd/system", "etc/nginx", "usr/local/bin", "run/mir", "srv"];

export interface Ran {
  readonly code: number;
  readonly out: string;
}

export interface DocWorld extends AsyncDisposable {
  /** Runs a block where it says, on each machine it names; lines without a match in `leftOut`. */
  run(block: Block, leftOut: (line: string) => boolean): Promise<Ran>;
}

export async function makeDocWorld(): Promise<DocWorld> {
  const dir = makeTempDir();
  const ports = new Map(PORTS.map((port) => [port, String(freePort())]));
  const localised = (text: string): string => {
    const addressed = Object.entries(WRITTEN).reduce(
      (t, [from, to]) => t.replaceAll(from, to),
      text,
    );
    return [...ports].reduce(
      (t, [from, to]) => t.replaceAll(RegExp(`\\b${from}\\b`, "g"), to),
      addressed,
    );
  };
  const clone = join(dir.path, "clone");
  makeClone(clone, localised);
  mkdirSync(join(dir.path, "by-address"));
  for (const [machine, address] of Object.entries(MACHINES)) {
    for (const folder of FOLDERS) mkdirSync(join(dir.path, machine, folder), { recursive: true });
    writeFileSync(join(dir.path, "by-address", address), machine);
    const picture = await drawJpeg({ width: 1600, height: 1200 });
    writeFileSync(join(dir.path, machine, "root/harbour.jpg"), picture);
  }
  const at = (place: Machine | undefined, lines: readonly string[]): Promise<Ran> => {
    const root = join(dir.path, place ?? "clone");
    const own = RegExp(`(^|[^\\w./-])(${OWN})`, "gm");
    const text = localised(lines.join("\n"));
    const script = place === undefined ? text : text.replaceAll(own, `$1${root}$2`);
    return runBash(script, place === undefined ? root : join(root, "root"), {
      ...{ WORLD: dir.path, ROOT: root, PATHS: OWN_FOR_SED },
      ADDRESS: place === undefined ? "" : MACHINES[place],
      PATH: `${root}/usr/local/bin:${process.env["PATH"] ?? ""}`,
    });
  };
  return {
    async run(block, leftOut) {
      const lines = block.lines.filter((line) => !leftOut(line));
      let out = "";
      for (const place of placesOf(block)) {
        const ran = await at(place, lines);
        out += ran.out;
        if (ran.code !== 0) return { code: ran.code, out };
      }
      return { code: 0, out };
    },
    async [Symbol.asyncDispose]() {
      endAll(dir.path);
      dir[Symbol.dispose]();
    },
  };
}

/** `sh on edge-1 and regional-1`, `sh in the clone`. */
function placesOf({ info, at }: Block): readonly (Machine | undefined)[] {
  if (info === "sh in the clone") return [undefined];
  const names = /^sh on (.+)$/.exec(info)?.[1]?.split(" and ") ?? [];
  const machines = (Object.keys(MACHINES) as Machine[]).filter((name) => names.includes(name));
  if (machines.length === 0)
    throw new Error(`${at}: "${info}" is nowhere: see docs/getting-started.md`);
  return machines;
}

function makeClone(clone: string, localised: (text: string) => string): void {
  mkdirSync(clone);
  symlinkSync(resolve(ROOT, "dist"), join(clone, "dist"));
  for (const folder of ["deploy", "topology"]) {
    cpSync(resolve(ROOT, folder), join(clone, folder), { recursive: true });
    for (const entry of readdirSync(join(clone, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(clone, folder, entry.name);
      writeFileSync(path, localised(readFileSync(path, "utf8")));
    }
  }
}

async function runBash(script: string, cwd: string, env: Record<string, string>): Promise<Ran> {
  const prelude = resolve(import.meta.dir, "machine.sh");
  const log = join(env["WORLD"] ?? "", crypto.randomUUID());
  const child = Bun.spawn(["bash", "-c", `set -euo pipefail; . "${prelude}"\n${script}`], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    // a file: what it starts in the background would keep a pipe open
    stdout: Bun.file(log),
    stderr: Bun.file(`${log}.err`),
  });
  const code = await child.exited;
  const out = `${await Bun.file(log).text()}${await Bun.file(`${log}.err`).text()}`;
  return { code, out };
}

/** Every node and nginx that was started left its process id. */
function endAll(dir: string): void {
  for (const machine of Object.keys(MACHINES)) {
    for (const name of readdirSync(join(dir, machine))) {
      if (!name.endsWith(".pid")) continue;
      const pid = Number(readFileSync(join(dir, machine, name), "utf8"));
      try {
        process.kill(pid, name.startsWith("nginx") ? "SIGTERM" : "SIGKILL");
      } catch {
        // it has ended by itself
      }
    }
  }
}
