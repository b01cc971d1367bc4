/** nginx as a rival: with its own prefix folder, on loopback; absent is a message, not a failure. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf } from "../../tests/support/memory.ts";
import { until } from "../../tests/support/until.ts";

export interface Nginx extends AsyncDisposable {
  /** Master and worker. */
  readonly pids: readonly number[];
}

/** Path of the program; undefined where it is not installed. */
export function findNginx(): string | undefined {
  return Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

/** `http` is the inside of the http block. */
export async function startNginx(
  program: string,
  options: {
    readonly dir: string;
    readonly name: string;
    readonly http: string;
    /** The only one it may run on. */
    readonly core?: number;
    /** Workers; one when nothing is said. */
    readonly processes?: number;
  },
): Promise<Nginx> {
  const prefix = join(options.dir, options.name);
  mkdirSync(join(prefix, "logs"), { recursive: true });
  const config = join(prefix, "nginx.conf");
  writeFileSync(
    config,
    `${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes ${options.processes ?? 1}; daemon off; pid ${prefix}/pid; error_log ${prefix}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 60; keepalive_requests 1000000;
  client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi; uwsgi_temp_path ${prefix}/uwsgi; scgi_temp_path ${prefix}/scgi;
  types { image/jpeg jpg; }
  ${options.http}
}
`,
  );
  const pinned = options.core === undefined ? [] : ["taskset", "-c", String(options.core)];
  const child = Bun.spawn([...pinned, program, "-p", prefix, "-c", config], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  await until(() => child.exitCode !== null || childrenOf(child.pid).length > 0, "nginx is up");
  if (child.exitCode !== null) {
    throw new Error(`nginx ended: ${readFileSync(join(prefix, "error.log"), "utf8")}`);
  }
  return {
    pids: [child.pid, ...childrenOf(child.pid)],
    async [Symbol.asyncDispose]() {
      child.kill("SIGQUIT");
      await child.exited;
    },
  };
}
