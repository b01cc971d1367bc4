/** Servers that answer the same files: nginx from disk, nginx and Varnish from their caches. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../tests/support/free-port.ts";
import { childrenOf } from "../../tests/support/memory.ts";
import { until } from "../../tests/support/until.ts";
import { startNginx } from "./nginx.ts";

export interface Server extends AsyncDisposable {
  readonly name: string;
  /** Those whose CPU counts. */
  readonly pids: readonly number[];
  readonly origin: string;
}

const OPEN_FILES = "open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;";

/** Serves `{dir}/{file}` as `/{file}`. */
export async function nginxStatic(
  program: string,
  options: { readonly dir: string; readonly core?: number; readonly processes?: number },
): Promise<Server> {
  const port = freePort();
  const nginx = await startNginx(program, {
    ...{ ...options, name: "static" },
    http: `${OPEN_FILES} server { listen 127.0.0.1:${port} reuseport; root ${options.dir}; }`,
  });
  return serverOf("nginx static", nginx.pids, port, nginx);
}

export async function nginxCache(
  program: string,
  options: { readonly dir: string; readonly core: number; readonly behind: Server },
): Promise<Server> {
  const port = freePort();
  const { dir, core, behind } = options;
  const nginx = await startNginx(program, {
    ...{ dir, name: "cache", core },
    http: `${OPEN_FILES}
      proxy_cache_path ${join(dir, "cache-files")} levels=1:2 keys_zone=all:32m max_size=4g inactive=1h;
      server { listen 127.0.0.1:${port}; location / {
        proxy_pass ${behind.origin}; proxy_cache all; proxy_cache_valid 200 1h; } }`,
  });
  return serverOf("nginx proxy_cache", nginx.pids, port, nginx);
}

export function findVarnish(): string | undefined {
  return Bun.which("varnishd", { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

export async function varnish(
  program: string,
  options: { readonly dir: string; readonly core: number; readonly behind: Server },
): Promise<Server> {
  const port = freePort();
  const work = join(options.dir, "varnish");
  mkdirSync(work);
  const vcl = join(work, "hit.vcl");
  const backend = new URL(options.behind.origin);
  writeFileSync(
    vcl,
    `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${backend.port}"; }
sub vcl_backend_response { set beresp.ttl = 1h; }
`,
  );
  const child = Bun.spawn(
    [
      ...[
        "taskset",
        "-c",
        String(options.core),
        program,
        "-j",
        "none",
        "-F",
        "-n",
        join(work, "n"),
      ],
      ...["-a", `127.0.0.1:${port}`, "-f", vcl, "-s", "malloc,512m", "-p", "thread_pools=1"],
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  await until(async () => child.exitCode !== null || (await answers()), "varnish is up");
  if (child.exitCode !== null) throw new Error(`varnish ended with ${child.exitCode}`);
  return serverOf("Varnish", [child.pid, ...childrenOf(child.pid)], port, {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  });
}

function serverOf(
  name: string,
  pids: readonly number[],
  port: number,
  owner: AsyncDisposable,
): Server {
  const origin = `http://127.0.0.1:${port}`;
  return { name, pids, origin, [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose]() };
}
