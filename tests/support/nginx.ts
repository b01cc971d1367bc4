/** nginx with the configuration of deploy/, in a folder and on a port of its own. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

const CONFIGURATION = resolve(import.meta.dir, "../../deploy/nginx.conf");

/** undefined where it is not installed. */
export const NGINX: string | undefined =
  Bun.which("nginx") ?? Bun.which("nginx", { PATH: "/usr/sbin:/usr/local/sbin" }) ?? undefined;

export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** What it has complained of. */
  errors(): string;
}

/** In front of `upstreams`, lines such as `unix:/run/mir/edge.0.sock` and `127.0.0.1:8080`. */
export async function startNginx(
  executable: string,
  options: { readonly dir: string; readonly upstreams: readonly string[] },
): Promise<Nginx> {
  const { dir, upstreams } = options;
  const port = freePort();
  mkdirSync(join(dir, "logs"), { recursive: true });
  writeFileSync(join(dir, "nginx.conf"), configuration(dir, port, upstreams));
  const child = Bun.spawn([executable, "-p", dir, "-e", "error.log", "-c", "nginx.conf"], {
    stdout: "ignore",
    stderr: "pipe",
  });
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const errors = (): string => readFileSync(join(dir, "error.log"), "utf8");
  try {
    await until(async () => child.exitCode !== null || (await answers()), "nginx is up");
    if (child.exitCode !== null) throw new Error(await new Response(child.stderr).text());
  } catch (error) {
    child.kill();
    throw error;
  }
  return {
    port,
    errors,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** The one of deploy/ with other addresses, and with its files in the folder. */
function configuration(dir: string, port: number, upstreams: readonly string[]): string {
  const text = readFileSync(CONFIGURATION, "utf8");
  const lines = text.match(/^ +server \S+ max_fails=.*# CHANGE$/gm) ?? [];
  const local = lines.find((line) => line.includes("unix:")) ?? "";
  const remote = lines.find((line) => !line.includes("unix:")) ?? "";
  const server = (to: string): string =>
    (to.startsWith("unix:") ? local : remote).replace(/server \S+/, `server ${to}`);
  const rest = lines.slice(1).reduce((config, line) => config.replace(`${line}\n`, ""), text);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `    ${name}_temp_path ${dir}/${name};`,
  );
  return [
    "daemon off;",
    // started as root, its workers would be somebody who may not open the sockets
    ...(process.getuid?.() === 0 ? ["user root root;"] : []),
    `pid ${dir}/nginx.pid;`,
    rest
      .replace(lines[0] ?? "", upstreams.map(server).join("\n"))
      .replace(/^user .*$/m, "")
      .replace("worker_processes auto;", "worker_processes 1;")
      .replace(/^worker_rlimit_nofile.*$/m, "")
      .replace("worker_connections 65536;", "worker_connections 1024;")
      .replace(/listen 8000;.*$/m, `listen 127.0.0.1:${port};`)
      .replace("http {\n", `http {\n${temporary.join("\n")}\n`),
  ].join("\n");
}
