/** nginx as in deploy/ in front of two edges while each is restarted: its clients see no failure. */

import { describe, expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { NGINX, type Nginx, startNginx } from "../support/nginx.ts";
import { drawJpeg } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";

const EDGES = ["edge-1", "edge-2"];
const PICTURES = 16;
const CLIENTS = 6;
/** Enough to see what is wrong. */
const FAILURES_MAX = 5;

async function startBehind(dir: {
  readonly path: string;
  write: (n: string, c: Uint8Array) => string;
}): Promise<{
  readonly mesh: Mesh;
  readonly nginx: Nginx;
}> {
  for (let i = 0; i < PICTURES; i++) {
    dir.write(`photos/picture-${i}.jpg`, await drawJpeg({ width: 640, height: 480 + i }));
  }
  const port = freePort();
  const mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: `${dir.path}/photos` },
    server: { workers: 2 },
    drainGrace: "300ms",
    // one over unix sockets as on nginx's own machine, one over TCP as on another
    serverOf: (name) => ({
      ...(name === "edge-1" ? { public: [{ type: "unix", path: `${dir.path}/edge-1.sock` }] } : {}),
      ...(name === "edge-2" ? { public: [{ type: "net", host: "127.0.0.1", port }] } : {}),
    }),
  });
  if (NGINX === undefined) throw new Error("nginx is not installed");
  const upstreams = [0, 1].map((worker) => `unix:${dir.path}/edge-1.${worker}.sock`);
  const nginx = await startNginx(NGINX, {
    dir: `${dir.path}/nginx`,
    upstreams: [...upstreams, `127.0.0.1:${port}`],
  });
  return { mesh, nginx };
}

/** Clients that ask for one picture after the other, with nothing repeated on their side. */
function startClients(port: number) {
  let going = true;
  let answered = 0;
  const failed: string[] = [];
  const ask = async (_: unknown, client: number): Promise<void> => {
    for (let i = client; going && failed.length < FAILURES_MAX; i++) {
      const size = i % 3 === 0 ? "orig" : "sm";
      const path = `/puddle/picture-${i % PICTURES}/${size}/a.jpg`;
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        await answer.bytes();
        if (answer.status !== 200) failed.push(`${path}: ${answer.status}`);
      } catch (error) {
        failed.push(`${path}: ${error}`);
      }
      answered++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const loops = Array.from({ length: CLIENTS }, ask);
  const more = async (count: number): Promise<void> => {
    const wanted = answered + count;
    while (answered < wanted && failed.length < FAILURES_MAX) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    more,
    async stop(): Promise<readonly string[]> {
      going = false;
      await Promise.all(loops);
      return failed;
    },
  };
}

describe(`behind nginx${NGINX === undefined ? ", which is not installed" : ""}`, () => {
  test.skipIf(NGINX === undefined)(
    "a rolling restart of two edges and their regional fails no request",
    async () => {
      using dir = makeTempDir();
      const { mesh, nginx } = await startBehind(dir);
      await using _mesh = mesh;
      await using _nginx = nginx;
      const clients = startClients(nginx.port);
      await clients.more(200);
      const logs: string[] = [];
      for (const name of [...EDGES, "regional-1"]) {
        // both kinds of addresses are asked
        const asked = EDGES.includes(name) ? "http_requests" : "peer_request";
        expect(await mesh.counter(name, asked)).toBeGreaterThan(0);
        expect(await mesh.kill(name, "SIGTERM")).toBe(0);
        await clients.more(50);
        logs.push(mesh.node(name).log());
        await mesh.start(name);
        await clients.more(100);
      }
      const failed = await clients.stop();
      logs.push(...[...EDGES, "regional-1"].map((name) => mesh.node(name).log()));
      // a 500 is explained by the node that gave it
      const errors = logs
        .join("")
        .split("\n")
        .filter((line) => line.includes('"level":"error"'));
      const told = [...failed, ...errors, nginx.errors()].join("\n");
      expect(failed.length === 0 ? "" : told).toBe("");
    },
    90_000,
  );

  test.skipIf(NGINX === undefined)(
    "an edge that is killed costs no client a request that may be repeated",
    async () => {
      using dir = makeTempDir();
      const { mesh, nginx } = await startBehind(dir);
      await using _mesh = mesh;
      await using _nginx = nginx;
      const clients = startClients(nginx.port);
      await clients.more(100);
      await mesh.kill("edge-1");
      await clients.more(100);
      await mesh.start("edge-1");
      await clients.more(100);
      const failed = await clients.stop();
      // an answer that had begun when the node was killed is cut, and nobody can repeat it
      expect(failed.filter((text) => !/closed|reset|cut|unexpected/i.test(text))).toEqual([]);
      expect(failed.length).toBeLessThanOrEqual(CLIENTS);
    },
    90_000,
  );
});
