/** A process of an image as a container runtime runs it: own mounts and processes, read-only root, no capability. */

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ScriptFailure } from "../script-failure.ts";

/** What an image says about how it is to be run. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly StopSignal: string;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

/** A folder or file of this machine, seen at `to`. */
export interface Mounted {
  readonly from: string;
  readonly to: string;
  readonly writable: boolean;
}

const DEVICES = ["null", "zero", "full", "random", "urandom"];

/** `setpriv` for chroot and the change of user; the last has lost all of it. */
const FOR_CHROOT = "-all,+sys_chroot,+setuid,+setgid";

export class Contained {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #config: ImageConfig;
  readonly #env: Record<string, string>;

  constructor(options: {
    readonly root: string;
    readonly config: ImageConfig;
    readonly mounts: readonly Mounted[];
    readonly env: Readonly<Record<string, string>>;
  }) {
    const { root, config, mounts, env } = options;
    this.#config = config;
    this.#env = { ...environmentOf(config), ...env };
    for (const { to, from } of mounts) placeFor(join(root, to), from);
    for (const folder of ["proc", "dev"]) mkdirSync(join(root, folder), { recursive: true });
    for (const device of DEVICES) writeFileSync(join(root, "dev", device), "");
    const script = mountScript(root, mounts);
    const command = [...config.Entrypoint, ...config.Cmd];
    const argv = [
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-ec",
      script,
      "sh",
    ];
    this.child = Bun.spawn([...argv, root, config.User, ...command], {
      env: { ...this.#env, PATH: process.env["PATH"] ?? "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  /** Of its first process, as this machine numbers it. */
  get pid(): number {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    const first = Number(children.split(" ")[0]);
    if (!(first > 0)) throw new ScriptFailure("the container has no process");
    return first;
  }

  /** Runs a command inside, as the same user; its exit code and what it said. */
  exec(command: readonly string[]): { readonly code: number; readonly said: string } {
    const [uid = "", gid = ""] = this.#config.User.split(":");
    const enter = ["nsenter", "--target", String(this.pid), "--mount", "--pid", "--root", "--wd"];
    const done = Bun.spawnSync([...enter, "--setgid", gid, "--setuid", uid, ...command], {
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: done.exitCode, said: `${done.stdout}${done.stderr}`.trim() };
  }
}

/** Named mounts over the root, then the root read-only, then the program in place of the shell. */
function mountScript(root: string, mounts: readonly Mounted[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const bind = ({ from, to, writable }: Mounted): string[] => {
    const target = quoted(join(root, to));
    const mount = `mount --bind ${quoted(from)} ${target}`;
    return writable ? [mount] : [mount, `mount -o remount,bind,ro ${target}`];
  };
  return [
    "mount --make-rprivate /",
    'mount --bind "$1" "$1"',
    ...mounts.flatMap(bind),
    ...DEVICES.map((device) => `mount --bind /dev/${device} "$1/dev/${device}"`),
    'mount -t proc -o nosuid,nodev,noexec proc "$1/proc"',
    'mount -o remount,bind,ro "$1"',
    'root=$1 user=$2; shift 2; cd "$root"',
    `exec setpriv --no-new-privs --bounding-set=${FOR_CHROOT} chroot --userspec="$user" . "$@"`,
  ].join("\n");
}

/** What is mounted upon. */
function placeFor(target: string, from: string): void {
  if (statSync(from).isDirectory()) {
    mkdirSync(target, { recursive: true });
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, "");
}

function environmentOf(config: ImageConfig): Record<string, string> {
  return Object.fromEntries(
    config.Env.map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
